"""The file of an export, whole or a stretch of it, sent part by part: no more than one is in memory."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get
from litestar.types import ASGIApp, Receive, Scope, Send

from app.accounts.views import Me
from app.core.errors import NotFound
from app.core.page import header
from app.exports import queries
from app.exports.out import PART
from app.exports.views import ExportView, disposition, media_type

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@get("/exports/{export_id:int}/download", media_type="application/octet-stream")
async def download(export_id: int, me: Me) -> Response[None]:
    """Whoever asked for it, and may see what is in it at this moment, gets the file."""
    view = await queries.one(me, export_id)
    if view.status != "ready":
        raise NotFound
    return File(view)


class File(Response[None]):
    """The answer, with as much of the file as the request asks for (RFC 9110, 14)."""

    def __init__(self, view: ExportView) -> None:
        super().__init__(content=None)
        self.view = view
        self.size = view.size or 0

    def to_asgi_response(self, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override]
        return self.answer

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = bool(scope["state"].get("head"))
        etag = f'"{self.view.sha256}"'
        stretch = None if head else _wanted(scope, self.size, etag)
        status, start, end = (200, 0, self.size) if stretch is None else (206, *stretch)
        headers = {
            "content-type": media_type(self.view.name),
            "content-disposition": disposition(self.view.name),
            "cache-control": "no-store",
            "accept-ranges": "bytes",
            "etag": etag,
        }
        if stretch is not None and start >= end:
            status, headers["content-range"] = 416, f"bytes */{self.size}"
            start = end = 0
        elif stretch is not None:
            headers["content-range"] = f"bytes {start}-{end - 1}/{self.size}"
        headers["content-length"] = str(end - start)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        if not head and end > start:
            await self._send(receive, send, start, end)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, receive: Receive, send: Send, start: int, end: int) -> None:
        leaving = asyncio.create_task(_left(receive))
        try:
            async for piece in _pieces(self.view.id, start, end):
                if leaving.done():  # nobody reads on
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            leaving.cancel()


def _wanted(scope: Scope, size: int, etag: str) -> tuple[int, int] | None:
    """The stretch that is asked for, as its start and the place after its end; an empty one cannot be had. None: the
    whole file, also for those who ask in a way that we do not know, or for a stretch of what it was before."""
    condition = header(scope, b"if-range")
    found = _RANGE.fullmatch(header(scope, b"range").strip().lower())
    if found is None or (condition and condition.strip() != etag):
        return None
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
        return (start, end) if start < size else (size, size)
    if not last:
        return None
    return max(0, size - int(last)), size


async def _pieces(export: int, start: int, end: int) -> AsyncIterator[bytes]:
    for number in range(start // PART, (end - 1) // PART + 1):
        part = await queries.part(export, number)
        if part is None:  # deleted meanwhile, or they were removed: the answer breaks off, and its length says so
            raise NotFound
        offset = number * PART
        yield part[max(0, start - offset) : end - offset]


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


HANDLERS = [download]
