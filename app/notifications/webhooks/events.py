"""What webhooks ask the worker to do."""

import msgspec


class PostedToRole(msgspec.Struct):
    """Something was posted to all of a role; those up to the person `after` have it."""

    post: int
    after: int = 0
