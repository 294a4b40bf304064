"""The pages of accounts."""

from app.accounts.web import avatar, bots, email, entrance, me, tokens

HANDLERS = [*entrance.HANDLERS, *me.HANDLERS, *avatar.HANDLERS, *email.HANDLERS, *bots.HANDLERS, *tokens.HANDLERS]
