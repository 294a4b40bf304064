"""The address by which other programs post. Its secret is all that lets in: whoever is signed in in that browser, and
which site sends it, is not asked."""

from typing import Any

from litestar import Request, Response, post

from app.core.bell import Bell
from app.core.settings import Settings
from app.notifications.webhooks import posts
from app.notifications.webhooks.admission import admitted
from app.notifications.webhooks.posts import Post
from app.notifications.webhooks.views import Accepted


@post("/hooks/{webhook_id:int}/{secret:str}", opt={"anonymous": True, "from_anywhere": True})
async def receive(
    webhook_id: int, secret: str, data: Post, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Response[Accepted]:
    raw = request.scope["state"].get("raw", b"")
    async with admitted(settings, webhook_id, secret, request.headers, raw) as webhook:
        accepted = await posts.take(settings, webhook, data, request.headers.get("idempotency-key", ""), bell.ring)
    return Response(accepted, status_code=202 if accepted.message_id is None else 201, media_type="application/json")


HANDLERS = [receive]
