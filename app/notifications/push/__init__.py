"""Web push: notifications on devices, also while no page of ours is open there (RFC 8030, 8291, 8292).

What is due is handed to each browser that its person subscribed (`queue.spread`), and waits there until that browser's
push service has taken it (`sender`). So a service that fails keeps nobody waiting but its own.
"""
