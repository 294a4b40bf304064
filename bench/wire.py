"""What is said to each server: the same acts, in the words of our API and in those of the raw one."""

import json
import uuid
from dataclasses import dataclass
from typing import Protocol


class Wire(Protocol):
    """The requests to one server. `who` is the number of a person; a room is an id as the server knows it."""

    @property
    def name(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def rooms(self) -> tuple[int, ...]: ...
    @property
    def long_room(self) -> int: ...

    def head(self, room: int) -> bytes | None: ...
    def live(self, room: int, change: int, who: int) -> bytes: ...
    def send(self, room: int, who: int, body: str) -> bytes: ...
    def page(self, room: int) -> bytes: ...


@dataclass(frozen=True)
class Ours:
    """Causerie, spoken to by programs that carry a token; the live fragments and pages are those of a browser."""

    port: int
    tokens: tuple[str, ...]
    reader: str  # the token of someone who is in twenty rooms, the long one among them
    rooms: tuple[int, ...] = ()
    long_room: int = 0
    name: str = "ours"

    def head(self, room: int) -> bytes | None:
        """Asks how far a conversation has come: the JSON has it as `change`."""
        return self.request("GET", f"/conversations/{room}/messages?limit=1", self.tokens[0])

    def live(self, room: int, change: int, who: int) -> bytes:
        return self.request("GET", f"/live?after={room}:{change}", self._token(who), accept="text/event-stream")

    def send(self, room: int, who: int, body: str) -> bytes:
        message = {"body": body, "key": str(uuid.uuid4())}
        return self.request("POST", f"/conversations/{room}/messages", self._token(who), message)

    def page(self, room: int) -> bytes:
        return self.request("GET", f"/conversations/{room}", self.reader, accept="text/html")

    def request(
        self, method: str, path: str, token: str, body: object = None, accept: str = "application/json"
    ) -> bytes:
        """A whole HTTP/1.1 request."""
        identity = f"Authorization: Bearer {token}\r\n" if token else ""
        content = b"" if body is None else json.dumps(body).encode()
        typed = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: {accept}\r\n{identity}{typed}\r\n"
        return head.encode() + content

    def _token(self, who: int) -> str:
        return self.tokens[who % len(self.tokens)]


@dataclass(frozen=True)
class Raw:
    """The raw server, which knows rooms by number and nobody by name."""

    port: int
    rooms: tuple[int, ...]
    long_room: int
    name: str = "raw"

    def head(self, room: int) -> bytes | None:
        return None

    def live(self, room: int, change: int, who: int) -> bytes:
        return f"GET /live/{room} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()

    def send(self, room: int, who: int, body: str) -> bytes:
        content = json.dumps({"body": body}).encode()
        head = f"POST /send/{room} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    def page(self, room: int) -> bytes:
        return f"GET /page/{room} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()
