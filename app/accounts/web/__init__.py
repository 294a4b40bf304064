"""The pages of accounts."""

from app.accounts.web import avatar, entrance, me

HANDLERS = [*entrance.HANDLERS, *me.HANDLERS, *avatar.HANDLERS]
