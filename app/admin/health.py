"""Is this process well? For operators and their tools; no login, no secrets."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, get

from app import __version__
from app.core import database, workers
from app.core.page import Page
from app.core.settings import Settings

OPEN = {"anonymous": True}
LONGEST = 2.0


class HealthView(msgspec.Struct):
    """`status` is ok, degraded (it serves, but hints from other processes are late) or down (it cannot serve).

    `worker` is ok, or missing: no mail goes out. That makes this process no worse, so `status` says nothing of it."""

    status: str
    database: str
    bell: str
    worker: str
    streams: int
    version: str


class InfoView(msgspec.Struct):
    """What runs here, and what it takes."""

    name: str
    version: str
    max_message_length: int
    max_connections_per_user: int
    heartbeat_seconds: float
    languages: list[str]
    docs: str = "/docs"


@get("/health", opt=OPEN)
async def health(request: Request[Any, Any, Any]) -> Page[HealthView]:
    state = request.app.state
    try:
        async with asyncio.timeout(LONGEST):
            _seen_at, works = await workers.last_seen()
        reached = True
    except database.FAILED:
        reached, works = False, False
    listening = bool(state.backend.listening)
    view = HealthView(
        status="down" if not reached or state.hub.closing else "ok" if listening else "degraded",
        database="ok" if reached else "down",
        bell="ok" if listening else "down",
        worker="ok" if works else "missing",
        streams=len(state.hub.streams),
        version=__version__,
    )
    page = Page("admin/health.html", view, status=503 if view.status == "down" else 200)
    page.extra_headers["cache-control"] = "no-store"
    return page


@get("/info", opt=OPEN)
async def info(settings: Settings) -> Page[InfoView]:
    view = InfoView(
        name="Causerie",
        version=__version__,
        max_message_length=settings.max_message_length,
        max_connections_per_user=settings.max_connections_per_user,
        heartbeat_seconds=settings.heartbeat_seconds,
        languages=["en", "fr"],
    )
    return Page("admin/info.html", view)


HANDLERS = [health, info]
