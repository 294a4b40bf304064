"""The composition root: the only place that knows every package."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Response, get
from litestar.channels import ChannelsPlugin
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.types import Scope

from app import __version__, scopes
from app.accounts import web as accounts
from app.accounts.auth import Identify, current_person
from app.accounts.devices import describe
from app.accounts.views import Me
from app.admin import docs, health
from app.admin import jobs as admin_jobs
from app.conversations import lines, queue
from app.conversations import render as conversation_pieces
from app.conversations import web as conversations
from app.core import database, logs, problems, templates
from app.core.bell import CHANNEL, Bell, backend_of
from app.core.front import front_door
from app.core.i18n import _
from app.core.page import Page, Shell, reads_without_scripts
from app.core.settings import Settings, load
from app.core.templates import STATIC
from app.exports import feed as export_feed
from app.exports import web as exports
from app.live import web as live
from app.live.hub import Hub
from app.messages import web as messages
from app.notifications import feed as notices
from app.notifications import queries as notification_queries
from app.notifications import web as notifications
from app.notifications.webhooks import web as webhooks
from app.people import invitations, policy, presence
from app.people import queries as people_queries
from app.people import web as people
from app.people.views import is_gone


@get("/", opt={"public": True}, include_in_schema=False)
async def home() -> Page[None]:
    return Page("errors/show.html", None, see_other="/conversations")


@get("/me.css", include_in_schema=False)
async def own_style(me: Me) -> Response[str]:
    """What is mine, said by a style sheet: fragments are the same for everyone, and this works without scripts."""
    mine = f'[data-author="{me.id}"]'
    style = f"{mine} .message-actions .own{{display:inline-flex}}{mine}{{--mine:1}}"
    style += f'.mention[href="/people/{me.username}"]{{--to-me:1}}'
    if me.blocks:  # what those wrote whom I blocked is folded away
        folded = [f'[data-author="{person.id}"]' for person in await people_queries.blocked(me)]
        if folded:
            authors = f".message:is({','.join(folded)}):not(.message-system)"
            told = json.dumps(_("You blocked the author of this message."), ensure_ascii=False)
            style += f"{authors} :is(.message-body,.message-edited,.quote){{display:none}}"
            quotes = f".quote:is({','.join(folded)})".replace("data-author", "data-quoted")
            quoted = json.dumps(_("a message from someone you blocked"), ensure_ascii=False)
            style += f"{quotes} .quote-said{{display:none}}{quotes}::after{{content:{quoted};font-style:italic}}"
            style += f"{authors} .message-content::after{{content:{told};color:var(--ink-quiet);font-style:italic}}"
    return Response(style, media_type="text/css", headers={"cache-control": "private, max-age=86400", "vary": "Cookie"})


def create_app(settings: Settings | None = None) -> Litestar:
    """The whole application. It connects to `settings.database_url` when it starts."""
    settings = settings or load(os.environ)
    templates.FILTERS.update(conversation_pieces.FILTERS)
    templates.FILTERS.update(
        device=describe,
        gone=is_gone,
        may_answer=policy.may_answer,
        may_make_groups=policy.may_make_groups,
        qr_code=invitations.qr_code,
    )
    logs.configure(settings.env, settings.log_level)
    backend = backend_of(settings)
    channels = ChannelsPlugin(backend=backend, channels=[CHANNEL])
    bell = Bell(channels)
    hub = Hub(settings, bell, notices.read, export_feed.read)
    app = Litestar(
        route_handlers=[
            home,
            own_style,
            *accounts.HANDLERS,
            *people.HANDLERS,
            *conversations.HANDLERS,
            *messages.HANDLERS,
            *notifications.HANDLERS,
            *webhooks.HANDLERS,
            *exports.HANDLERS,
            *live.HANDLERS,
            *health.HANDLERS,
            *docs.HANDLERS,
            *admin_jobs.HANDLERS,
            create_static_files_router(
                path=templates.static_root(),
                directories=[STATIC],
                opt={"anonymous": True},
                cache_control=CacheControlHeader(public=True, max_age=31_536_000, immutable=True),
            ),
        ],
        middleware=[Identify(settings, lambda session: bell.ring("s", session), scopes.NEEDED)],
        dependencies={
            "me": Provide(current_person, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "bell": Provide(_after_settings(bell), sync_to_thread=False),
        },
        exception_handlers={Exception: problems.handle},
        plugins=[channels],
        lifespan=[_running(settings, bell, hub)],
        openapi_config=OpenAPIConfig(
            title="Causerie",
            version=__version__,
            path="/docs/none",  # Litestar's own pages load scripts from elsewhere; ours is admin/docs.py
            render_plugins=[JsonRenderPlugin(path="/schema.json")],
        ),
        state=State(
            {
                "hub": hub,
                "bell": bell,
                "backend": backend,
                "shell": _shell_for(hub),
                "finish": _finish,
                "settings": settings,
            }
        ),
        signature_types=[Me, Settings, Bell],
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = front_door(app, app.asgi_handler, settings)
    return app


def _after_settings(bell: Bell) -> Callable[[Settings], Bell]:
    """Gives the bell, once the settings are given; why in this order, see `current_person`."""

    def give(settings: Settings) -> Bell:
        return bell

    return give


def _running(settings: Settings, bell: Bell, hub: Hub) -> Any:
    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        if settings.database_url is None:
            raise RuntimeError("create_app needs a database_url; `python -m app serve` brings its own")
        await database.connect(settings.database_url, settings.database_pool_size)
        await bell.start()
        await hub.start()
        try:
            yield
        finally:
            await hub.stop()
            await bell.stop()
            await database.disconnect()

    return running


def _shell_for(hub: Hub) -> Shell:
    async def shell(scope: Scope) -> Mapping[str, Any]:
        """What surrounds a whole page of someone signed in: their conversations, and how much they have not read of
        what they were told; of the staff, how many wait."""
        me = scope["user"]
        if me.scopes is None and reads_without_scripts(scope):
            await hub.presence.read_plainly(me.id)
        told = await notification_queries.unread_of(me.id)
        return {"sidebar": await lines.sidebar(me), "waiting": await queue.waiting(me), "told": told}

    return shell


async def _finish(html: bytes, me: Me) -> bytes:
    """Who is there, of those on the page."""
    return await presence.put(html, me.id, me.apart)
