"""The pages of accounts."""

from app.accounts.web import entrance, me

HANDLERS = [*entrance.HANDLERS, *me.HANDLERS]
