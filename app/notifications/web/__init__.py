"""The pages of what people are told of."""

from app.notifications.web import centre, devices, settings, unsubscribe

HANDLERS = [*centre.HANDLERS, *settings.HANDLERS, *devices.HANDLERS, *unsubscribe.HANDLERS]
