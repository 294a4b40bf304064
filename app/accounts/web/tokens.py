"""The tokens of one's own programs, and those of one's bots."""

import msgspec
from litestar import delete, get, post

from app.accounts import bots, tokens
from app.accounts.views import Me, TokenMadeView, TokensView
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings

# The answer that holds a token is kept by nobody.
ONCE = {"cache-control": "no-store"}


class NewToken(msgspec.Struct):
    """`scopes`: some of read, write and admin. `expires_at`: a day or a moment; without one it has no end."""

    name: str = ""
    scopes: list[str] | str = []
    expires_at: str | None = None

    @property
    def wanted(self) -> list[str]:
        """A form that has one box ticked sends one text."""
        return [self.scopes] if isinstance(self.scopes, str) else self.scopes


@get("/me/tokens")
async def index(me: Me) -> Page[TokensView]:
    return Page("accounts/tokens.html", TokensView(await tokens.listed(me.id)))


@post("/me/tokens", opt={"form": "accounts/tokens.html"})
async def make(data: NewToken, me: Me, settings: Settings) -> Page[TokenMadeView]:
    """The answer holds the token, this once."""
    made = await tokens.make(settings, me, data.name, data.wanted, data.expires_at or "")
    return Page("accounts/token.html", made, status=201, headers=ONCE)


@delete("/me/tokens/{token_id:int}", status_code=204)
async def revoke(token_id: int, me: Me, bell: Bell) -> Page[None]:
    await tokens.revoke(me.id, token_id)
    bell.ring("s", -token_id)
    return Page("accounts/tokens.html", None, status=204, see_other="/me/tokens", flash="token-revoked")


@get("/me/bots/{bot_id:int}/tokens")
async def bot_index(bot_id: int, me: Me) -> Page[TokensView]:
    bot = await bots.one(me, bot_id)
    return Page("accounts/tokens.html", TokensView(await tokens.listed(bot_id)), extra={"bot": bot})


@post("/me/bots/{bot_id:int}/tokens", opt={"form": "accounts/tokens.html"})
async def bot_make(bot_id: int, data: NewToken, me: Me, settings: Settings) -> Page[TokenMadeView]:
    """The answer holds the token, this once."""
    await bots.one(me, bot_id)
    bots.require_maker(me)
    made = await tokens.make(settings, me, data.name, data.wanted, data.expires_at or "", bot=bot_id)
    return Page("accounts/token.html", made, status=201, headers=ONCE)


@delete("/me/bots/{bot_id:int}/tokens/{token_id:int}", status_code=204)
async def bot_revoke(bot_id: int, token_id: int, me: Me, bell: Bell) -> Page[None]:
    await bots.one(me, bot_id)
    await tokens.revoke(bot_id, token_id)
    bell.ring("s", -token_id)
    there = f"/me/bots/{bot_id}/tokens"
    return Page("accounts/tokens.html", None, status=204, see_other=there, flash="token-revoked")


HANDLERS = [index, make, revoke, bot_index, bot_make, bot_revoke]
