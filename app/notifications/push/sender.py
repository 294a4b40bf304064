"""Sends what waits for browsers to their push services, in the worker."""

import asyncio
import dataclasses
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import structlog

from app.core import database, i18n, outside
from app.core.patience import patience, say_waiting
from app.core.security import pseudonym
from app.core.settings import Settings
from app.notifications.push import keys, queue
from app.notifications.push.hosts import Host, Hosts
from app.notifications.push.payload import LEAST, MOST, fit, payload
from app.notifications.push.queue import Device

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()
PAUSE = 1.0
AT_ONCE = 256
# What a service keeps for a device that is switched off, in seconds.
TTL = 86_400
# Waits after failures in a row, in seconds; the last one stays.
WAITS = (30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600)
LONGEST_WAIT = timedelta(days=1)
# So long before the lease is over nothing more is begun: from then on another worker may.
MARGIN = 20.0
TAKEN = range(200, 300)
GONE = (404, 410)
TOO_LARGE = 413


class Pusher:
    """Hands out what is due, a round a second, and serves many browsers at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hosts = Hosts()
        self.under_way: set[asyncio.Task[None]] = set()
        self._calling: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            while True:
                with patience("pushes wait"):
                    await self.round(stack)
                if len(self.under_way) >= AT_ONCE:
                    await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.sleep(PAUSE)

    async def round(self, stack: AsyncExitStack) -> None:
        """Begins with whatever is due now."""
        await queue.spread()
        claimed = await queue.claim(AT_ONCE - len(self.under_way))
        if not claimed:
            return
        if self._calling is None:  # not before it is needed: many instances never push
            self._calling = await stack.enter_async_context(outside.session(self.settings))
        key = await keys.key()
        for device in claimed:
            task = asyncio.create_task(self._serve(self._calling, device, key))
            self.under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        # Whatever it was, the lease ends and it is tried again.
        if isinstance(error, database.FAILED):
            say_waiting("a push waits", error)
        elif error is not None:
            log.error("push failed", exc_info=error)

    async def _end(self) -> None:
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    async def _serve(self, calling: "aiohttp.ClientSession", device: Device, key: keys.Key) -> None:
        """Sends one browser what waits for it, one after the other."""
        until = asyncio.get_running_loop().time() + queue.LEASE.total_seconds() - MARGIN
        async with self.hosts.turn(device.endpoint) as host:
            if rest := host.rest():
                await queue.failed(device, timedelta(seconds=_about(rest)), device.failures)
                return
            waiting = await queue.waiting(device)
            if waiting.quiet_until is not None:
                await queue.postpone(device, waiting.quiet_until)
                return
            for row in waiting.rows:
                if asyncio.get_running_loop().time() > until:
                    break
                # Sending the others took its time: by now they may have signed out, read it or left.
                now = await queue.waiting(device, row["id"])
                if not now.rows or now.quiet_until is not None:
                    continue
                i18n.use(now.locale)
                if not await self._tell(calling, device, key, host, now.rows[0]):
                    return
                device = dataclasses.replace(device, failures=0)
            await queue.done(device)

    async def _tell(
        self, calling: "aiohttp.ClientSession", device: Device, key: keys.Key, host: Host, row: database.Row
    ) -> bool:
        """Whether it went well; if not, what follows from that is done."""
        made = payload(row, row["push_shows"])
        headers = self._headers(device, key, row)
        for most in (MOST, LEAST):
            body = _encrypted(device, fit(made, most))
            try:
                answer = await outside.post(calling, self.settings, device.endpoint, body, headers)
            except Exception as error:
                why = outside.failure(error)
                if why is None:
                    raise
                host.was_silent()
                await self._failed(device, why)
                return False
            host.answered()
            if answer.status != TOO_LARGE:
                break
        if answer.status in GONE:
            await queue.remove(device.id)
            log.info("push subscription removed", subscription=device.id, status=answer.status)
            return False
        if answer.status not in TAKEN and answer.status != TOO_LARGE:
            said = {name.lower(): value for name, value in answer.headers.items()}
            await self._failed(device, str(answer.status), said.get("retry-after", ""))
            return False
        if answer.status == TOO_LARGE:  # it would be again
            log.warning("push refused as too large", subscription=device.id)
        await queue.told(device, row)
        return True

    def _headers(self, device: Device, key: keys.Key, row: database.Row) -> dict[str, str]:
        return {
            "authorization": key.header(self.settings, device.endpoint),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(TTL),
            "urgency": "normal" if row["kind"] == "message" else "high",
            # While the device is away the service keeps the last of these alone. It learns no number of ours.
            "topic": pseudonym(self.settings.secret_key, f"push {device.id} {row['id']}"),
        }

    async def _failed(self, device: Device, why: str, retry_after: str = "") -> None:
        wait = timedelta(seconds=_about(WAITS[min(device.failures, len(WAITS) - 1)]))
        wait = min(max(wait, _asked(retry_after)), LONGEST_WAIT)
        log.info("push to be tried again", subscription=device.id, error=why, wait=round(wait.total_seconds()))
        await queue.failed(device, wait, device.failures + 1)


def _encrypted(device: Device, text: bytes) -> bytes:
    from pywebpush import WebPusher  # with requests and more, which only who pushes needs

    keyed = {"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.auth}}
    body: bytes = WebPusher(keyed).encode(text)["body"]
    return body


def _about(seconds: float) -> float:
    """Not all at the same moment."""
    return seconds * random.uniform(0.8, 1.2)


def _asked(retry_after: str) -> timedelta:
    """How long the service asks to be left alone: in seconds, or until a date."""
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return timedelta(seconds=min(int(given[:9]), LONGEST_WAIT.total_seconds()))
    try:
        moment = parsedate_to_datetime(given)
        return max(timedelta(), moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC))
    except (ValueError, OverflowError):
        return timedelta()
