"""The pages of accounts."""

from app.accounts.web import avatar, email, entrance, me

HANDLERS = [*entrance.HANDLERS, *me.HANDLERS, *avatar.HANDLERS, *email.HANDLERS]
