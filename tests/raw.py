"""HTTP as bytes on a socket: what no well-behaved client would send."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What came back; status 0 when the server hung up without a word."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        """All values of that header, joined."""
        return ", ".join(value for key, value in self.headers if key == name)


async def exchange(url: str, data: bytes, seconds: float = 30) -> Answer:
    """Sends the bytes as they are and reads one answer until its end (or the end of the connection)."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        async with asyncio.timeout(seconds):
            writer.write(data)
            return await _answer(reader)
    finally:
        writer.close()


def request(method: str, target: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A whole request with these headers (`_` stands for `-`); a Content-Length is added where none is given."""
    lines = {"host": "127.0.0.1", "connection": "close", "content-length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v) + "\r\n"
    return head.encode("latin-1") + body


async def _answer(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer()
    if head.startswith(b"HTTP/1.1 100"):  # the server says that it waits for the body; the answer comes after
        return await _answer(reader)
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    headers = [(name.lower(), value.strip()) for name, _sep, value in pairs]
    answer = Answer(int(first.split()[1]), headers)
    length = answer.header("content-length")
    try:
        answer.body = await (reader.readexactly(int(length)) if length else reader.read())
    except asyncio.IncompleteReadError as error:  # an answer to HEAD has a length and no body
        answer.body = error.partial
    return answer
