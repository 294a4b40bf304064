"""What webhooks answer to: their pages, and the address by which other programs post."""

from app.notifications.webhooks.web import hooks, pages, subscriptions

HANDLERS = [*hooks.HANDLERS, *pages.HANDLERS, *subscriptions.HANDLERS]
