"""Whether an archive is genuine, for whoever was given one: a transcript is shown to people outside (a parent, a court)
who have no account, and it must not need one to find out that it was altered. Nothing of the instance is told by it but
what stands in the file. So it is open to all, and bounded: see `core/spooled` and the limit of an address."""

import asyncio
from typing import Any

from litestar import Request, get, post

from app.accounts.auth import client_address
from app.core import limits
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.page import Page
from app.core.settings import Settings
from app.core.spooled import spooled
from app.exports import keys, verify
from app.exports.keys import KeysView
from app.exports.verify import CannotCheck, Verdict

TEMPLATE = "exports/verify.html"
MOST_BYTES = 200_000_000


@get("/exports/keys", opt={"public": True})
async def published() -> Page[KeysView]:
    """The public keys by which anyone can check archives of this Causerie, without it."""
    return Page("exports/keys.html", await keys.published())


@get("/verify", opt={"public": True}, include_in_schema=False)
async def page() -> Page[None]:
    return Page(TEMPLATE, None)


@post("/verify", status_code=200, opt={"public": True, "form": TEMPLATE, "upload": True})
async def check(request: Request[Any, Any, Any], settings: Settings) -> Page[Verdict]:
    """A form with the archive in its field `file`, of at most 200 MB. For a larger one: `python -m app verify FILE`."""
    who = limits.network(client_address(request, settings))
    await limits.spend(settings, (limits.VERIFY_ADDRESS, who))
    trusted = (await keys.published()).keys
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with spooled(request, "file", MOST_BYTES, who, settings.data_dir) as file:
        if file.seek(0, 2) == 0:
            raise Invalid(file=_("Choose the ZIP file that you received."))
        try:
            verdict = await asyncio.to_thread(verify.verify, file, trusted)
        except CannotCheck as error:
            raise Invalid(file=str(error)) from error
    return Page(TEMPLATE, verdict)


HANDLERS = [published, page, check]
