"""The bell: hints to every process that something changed, over Litestar channels.

A hint has no content: "conversation 7 changed". The database is the truth, so a lost hint costs a moment and never a
message. Hints for this process are given at once; for the others they are gathered and sent together.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from uuid import uuid4

import asyncpg
import structlog
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.base import ChannelsBackend
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from redis.asyncio import Redis

from app.core import database
from app.core.patience import say_waiting
from app.core.settings import Settings

log = structlog.get_logger()
CHANNEL = "bell"
# Waits between two notices to the others, so that a thousand sends a second are at most fifty notices. The first goes
# at once.
PAUSE = 0.02
LARGEST_NOTICE = 7000  # Postgres refuses 8,000 bytes
# Seconds until it tries to listen again, doubled each time up to the longest.
SOON, LATE = 0.1, 2.0
Listener = Callable[[str, int, int], None]


class Bell:
    """Rings here and in every other process. The kinds: c a conversation, p a person, s a session, x a stream,
    b that a person was told of something (`about`), or that what they were told before is not as it was (0),
    e that an export (`about`) of a person is further, has ended or is gone,
    n that a person has another name or picture,
    r what a person (the number) has read in a conversation (`about`), m that marks of what was received and
    read moved in a conversation, o that a person came, left,
    fell silent or woke up (for one viewer, `about`: is to be shown anew), l that the pages of a conversation (the
    number) or of a person (`about`) are to be loaded anew, t that a person (`about`) types in a conversation."""

    def __init__(self, channels: ChannelsPlugin) -> None:
        self.channels = channels
        self.name = uuid4().hex[:12]
        self.listeners: list[Listener] = []
        self._waiting: dict[str, None] = {}
        self._awake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self, kind: str, number: int, about: int = 0) -> None:
        """Says that this changed. Never waits, never fails: it is called after a commit."""
        self._hear(kind, number, about)
        self._waiting[f"{kind}{number}.{about}"] = None
        self._awake.set()

    def subscribe(self, listener: Listener) -> None:
        self.listeners.append(listener)

    async def start(self) -> None:
        subscriber = await self.channels.subscribe(CHANNEL)
        self._tasks = [
            asyncio.create_task(self._tell_others()),
            asyncio.create_task(self._hear_others(subscriber.iter_events())),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear(self, kind: str, number: int, about: int) -> None:
        for listener in self.listeners:
            listener(kind, number, about)

    async def _tell_others(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            waiting, self._waiting = list(self._waiting), {}
            for notice in _notices(self.name, waiting):
                self.channels.publish(notice, CHANNEL)
            await asyncio.sleep(PAUSE)

    async def _hear_others(self, events: AsyncGenerator[bytes, None]) -> None:
        async for event in events:
            sender, _sep, hints = event.decode().partition(" ")
            if sender != self.name:
                for hint in hints.split():
                    number, _sep, about = hint[1:].partition(".")
                    self._hear(hint[0], int(number), int(about))


def _notices(sender: str, hints: list[str]) -> Iterable[str]:
    notice = sender
    for hint in hints:
        if len(notice) + len(hint) > LARGEST_NOTICE:
            yield notice
            notice = sender
        notice += f" {hint}"
    if notice != sender:
        yield notice


class PostgresBackend(ChannelsBackend):
    """Litestar channels over one LISTEN connection that is opened again whenever it breaks.

    Litestar's own asyncpg backend opens a connection for each publish, dies silently with its LISTEN connection and is
    killed by a payload of 8,000 bytes. Here subscribing never suspends, for all share the one fixed channel.
    """

    def __init__(self, dsn: str, postgres_channel: str = "causerie_bell") -> None:
        self.dsn = dsn
        self.postgres_channel = postgres_channel
        self.listening = False
        self._events: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(maxsize=10_000)
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def on_startup(self) -> None:
        self._task = asyncio.create_task(self._keep_listening())
        with suppress(TimeoutError):  # a database that is slow to come up delays hints, not the start
            await asyncio.wait_for(self._ready.wait(), 5)

    async def on_shutdown(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def publish(self, data: bytes, channels: Iterable[str]) -> None:
        try:
            async with database.pool().acquire(timeout=2) as connection:
                # A hint may be lost: its commit need not wait for the disk.
                await connection.fetch(
                    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
                    self.postgres_channel,
                    data.decode(),
                )
        except database.FAILED as error:
            log.warning("bell not heard", error=type(error).__name__)

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Nothing to do: the one connection listens already."""

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        """Nothing to do."""

    async def stream_events(self) -> AsyncGenerator[tuple[str, bytes], None]:
        while True:
            yield await self._events.get()

    async def get_history(self, channel: str, limit: int | None = None) -> list[bytes]:
        return []

    def _received(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        with suppress(asyncio.QueueFull):  # the check of heads, once a second, makes good for it
            self._events.put_nowait((CHANNEL, str(payload).encode()))

    async def _keep_listening(self) -> None:
        wait = SOON
        while True:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=5)
            except database.FAILED as error:
                say_waiting("bell waits", error)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LATE)
                continue
            ended = asyncio.Event()
            try:
                connection.add_termination_listener(lambda _c, ended=ended: ended.set())
                await connection.add_listener(self.postgres_channel, self._received)
                if wait > SOON:
                    log.info("bell listens again")
                self.listening, wait = True, SOON
                self._ready.set()
                await ended.wait()
            except database.FAILED as error:
                log.warning("bell lost its connection", error=type(error).__name__)
            finally:
                self.listening = False
                connection.terminate()


class RedisBackend(RedisChannelsPubSubBackend):
    """Redis or Valkey between many machines; its pub/sub connection recovers by itself."""

    listening = True

    async def publish(self, data: bytes, channels: Iterable[str]) -> None:
        from redis.exceptions import RedisError

        try:
            await super().publish(data, channels)
        except (RedisError, OSError) as error:
            log.warning("bell not heard", error=type(error).__name__)


def backend_of(settings: Settings) -> PostgresBackend | RedisBackend:
    """What carries the hints between processes."""
    if settings.channels_url:
        return RedisBackend(redis=Redis.from_url(settings.channels_url), stream_sleep_no_subscriptions=50)
    return PostgresBackend(settings.database_url or "")
