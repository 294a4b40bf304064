"""One web process: uvicorn on sockets that its parent holds, ending in time even with streams open."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

GRACEFUL_SHUTDOWN = 5  # seconds for the requests under way; the supervisor kills after 7
# Longer than the idle time of any usual proxy (60-90 s), so that the proxy hangs up first: the other way round a
# request that is sent just as we hang up is lost.
KEEP_ALIVE = 95
BACKLOG = 2048
# A cookie is 4 KB, an address 8; the cursor of a program that follows a thousand conversations 12.
LARGEST_HEAD = 128 * 1024
MOST_HEADERS = 200
MOST_FILES = 1_048_576


def serve(
    app: Any, sockets: Sequence[socket.socket], before_exit: Callable[[], None], ready: int | None = None
) -> None:
    """Serves until SIGTERM or SIGINT. `before_exit` must end every open stream: uvicorn would wait for them for ever.

    One byte is written to the pipe `ready` once requests are answered.
    """
    _allow_many_files()
    config = uvicorn.Config(
        app,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # which proxy is believed is the app's own setting
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN,
    )
    # uvicorn raises the signal again when it has ended: by then that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    _Server(config, before_exit, ready).run(sockets=list(sockets))


class Protocol(HttpToolsProtocol):
    """uvicorn's own, which lets a response take over its connection (see `take_over`), and which bounds the head of a
    request: uvicorn would keep whatever comes, twenty times as large, before anyone has signed in."""

    head_size = 0
    in_body = False
    ended = False

    def data_received(self, data: bytes) -> None:
        self.ended = False
        super().data_received(data)
        # In which a request ended, that was its body, for the most part: of a file it may be a quarter of a megabyte.
        if not self.in_body and not self.ended and not self.transport.is_closing():
            self.head_size += len(data)
            if self.head_size > LARGEST_HEAD:
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_size, self.in_body = 0, False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_body:
            return  # a trailer: no proxy has looked at it, and it must not pass for a header
        if len(self.headers) >= MOST_HEADERS:
            raise ValueError("too many headers")  # the parser stops, and 400 is answered
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.in_body, self.head_size, self.ended = False, 0, True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Weak: the scope is a part of the cycle, and garbage that holds itself waits for a collection.
        scope: dict[str, Any] = cycle.scope  # type: ignore[assignment]
        scope["extensions"] = {**scope.get("extensions", {}), "causerie.cycle": weakref.ref(cycle)}
        super()._start_asgi_task(cycle, app)


def take_over(scope: Any, protocol: asyncio.Protocol) -> asyncio.Transport | None:
    """Gives the connection of a response whose head was sent to another protocol, for good: for the server it is over,
    and the request may return. None when the client is gone. The rest of the body is chunks of HTTP/1.1."""
    cycle: RequestResponseCycle = scope["extensions"]["causerie.cycle"]()
    transport = cycle.transport
    if cycle.disconnected or transport.is_closing():
        return None
    server = transport.get_protocol()
    assert isinstance(server, HttpToolsProtocol)
    server.connections.discard(server)
    server.flow.resume_reading()
    cycle.disconnected = True
    transport.set_protocol(protocol)
    if server.flow.write_paused:
        protocol.pause_writing()
    return transport


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, before_exit: Callable[[], None], ready: int | None) -> None:
        super().__init__(config)
        self.before_exit = before_exit
        self.ready = ready
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what is loaded now stays: full collections need not look at it again
        gc.set_threshold(20_000, 20, 20)  # a page makes thousands of objects and no cycles: looked for less often
        if self.ready is not None:
            os.write(self.ready, b".")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Once more for the streams that opened after the signal: this runs as soon as no new one can.
        asyncio.get_running_loop().call_soon(self.before_exit)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.loop is not None:  # a signal handler runs between any two instructions: let the loop do it
            self.loop.call_soon_threadsafe(self.before_exit)
        super().handle_exit(sig, frame)


def _allow_many_files() -> None:
    """Every stream is an open file, and the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Stands in for the default action, which is to die."""
