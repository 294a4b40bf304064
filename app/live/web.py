"""GET /live: the one endpoint of the feed, for browsers and programs."""

import asyncio
import random
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import structlog
from litestar import Request, asgi, post
from litestar.types import Receive, Scope, Send

from app.accounts.views import Me
from app.core import database, i18n, limits
from app.core.errors import Unauthorized, Unavailable
from app.core.i18n import _
from app.core.page import Page, header
from app.core.patience import say_waiting
from app.core.server import take_over
from app.core.settings import Settings
from app.live import cursor, wire
from app.live.hub import Hub
from app.live.stream import Stream, variant_of
from app.live.watch import CHECK

log = structlog.get_logger()
# Clients come back after between one and four seconds: not all of them at once after a restart.
RETRY = (1000, 4000)
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@post("/me/active", status_code=204)
async def active(me: Me, request: Request[Any, Any, Any], settings: Settings) -> Page[None]:
    """They did something: a browser says so once a minute at most, while it is used."""
    limits.WRITES.spend(settings, me.id)
    hub: Hub = request.app.state.hub
    hub.presence.active(me.id)
    return Page("errors/show.html", None, status=204, see_other="/me")


@asgi("/live", copy_scope=False)
async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """`after` is the cursor; Last-Event-ID, which a client sends when it comes back, wins over it.

    With `format=json` events are JSON; without a cursor they are then of all of the person's conversations. HTML
    streams without a cursor get the state alone (a hidden page keeps its title true with it).
    """
    me = scope.get("user")
    if not isinstance(me, Me):
        raise Unauthorized
    hub: Hub = scope["litestar_app"].state.hub
    if hub.closing:
        raise Unavailable(_("This server is restarting."))
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    json = query.get("format", [""])[0] == "json"
    seen = cursor.parse(header(scope, b"last-event-id") or query.get("after", [""])[0])
    everything = json and "after" not in query
    stream = Stream(hub.release, me.id, me.session, variant_of(json, i18n.current()), seen, everything)
    stream.task = task = asyncio.current_task()
    begun = up_to_date = False
    try:
        heads = await hub.admit(stream)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        begun = True
        stream.start(take_over(scope, stream))
        up_to_date = stream.transport is not None and await _brought_up_to_date(hub, stream, heads)
    except asyncio.CancelledError:
        # We end it ourselves (see Stream.close), unless it is the server that cancels its own task.
        if not stream.closing or task is None:
            raise
        task.uncancel()
        if not begun:  # one too many, signed out, a restart
            raise Unavailable(_("The stream was closed before it started.")) from None
    finally:
        stream.task = None
        if not up_to_date:
            stream.close()


async def _brought_up_to_date(hub: Hub, stream: Stream, heads: dict[int, int] | None) -> bool:
    """Writes the present state and what was missed. When the database goes away meanwhile, which is too late for a 503,
    this waits for it as all other streams do. False when a statement fails otherwise: the stream ends, and its client
    comes back with its cursor."""
    stream.deliver(wire.retry(random.randint(*RETRY)))
    if heads is None:
        stream.deliver(wire.event("reset", "cursor"))
        return True
    if stream.all_conversations and stream.seen:
        # It named no cursor: without this one, a program that is cut before its first message would miss some.
        stream.deliver(wire.place(cursor.write(stream.seen)))
    while True:
        try:
            await hub.send_state(stream)
            await hub.catch_up(stream, heads, patient=True)
            return True
        except database.UNAVAILABLE as error:
            say_waiting("a stream that begins waits", error)
            await asyncio.sleep(random.uniform(0.5, 1) * CHECK)
        except asyncpg.PostgresError as error:
            log.warning("stream ended by the database", error=type(error).__name__)
            return False


HANDLERS = [live, active]
