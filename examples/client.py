#!/usr/bin/env python3
"""A small client of Causerie for the terminal: signs in, lists conversations, and talks in one of them.

    client.py URL                 list my conversations
    client.py URL CONVERSATION    show its latest messages, follow it live, and send each line that is typed

It needs Python and nothing else, so it can be copied and begun from: its parts are what any client needs. `Session`
signs in and renews what it signed in with; `send` keeps its key until the message is there, so none is sent twice;
`follow` keeps its cursor over every cut, so nothing is missed and nothing comes twice. One thread reads what is typed
and one follows the feed; neither needs the other.
"""

import argparse
import getpass
import http.client
import json
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

# What a cut looks like: the address is not to be reached, or the connection ended in the midst of an answer.
CUT = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
# The server says something at least every HEARTBEAT_SECONDS (20): longer silence is a connection that is gone.
SILENCE = 60
LONGEST_WAIT = 30


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever answers for the server must not have our token sent elsewhere."""

    def redirect_request(self, *_given: Any) -> None:
        return None


_urlopen = urllib.request.build_opener(_NoRedirect).open


class Refused(Exception):
    """The server understood and will not: trying again is of no use."""


class Session:
    """Who we are to the server: by a token, or by a log-in that is renewed when its access token is over."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.access = token
        self.refresh = ""
        self._renewing = threading.Lock()

    def log_in(self, login: str, password: str) -> None:
        self._keep(self.call("POST", "/auth/login", {"login": login, "password": password}))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of the answer; raises Refused, and one of CUT."""
        with self.open(method, path, body) as answer:
            return json.loads(answer.read() or b"null")

    def open(
        self, method: str, path: str, body: dict[str, Any] | None = None, accept: str = "application/json"
    ) -> http.client.HTTPResponse:
        """The answer, to be read; waits where the server says that it is too much at once, and renews the log-in."""
        while True:
            used = self.access
            headers = {"accept": accept, "content-type": "application/json"}
            if used:
                headers["authorization"] = f"Bearer {used}"
            data = json.dumps(body).encode() if body is not None else None
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            try:
                answer: http.client.HTTPResponse = _urlopen(request, timeout=SILENCE)
                return answer
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 429:
                        wait = int(error.headers.get("retry-after", "5"))
                        note(f"too fast, waiting {wait} s")
                        time.sleep(wait)
                    elif error.code == 401 and self.refresh and not path.startswith("/auth/"):
                        self._renew(used)
                    elif error.code >= 500:
                        raise ConnectionError(f"the server answers {error.code}") from error
                    else:
                        raise Refused(_reason(error)) from error

    def _renew(self, used: str) -> None:
        """Once for all threads: of two that find the same access token over, the second has a new one already."""
        with self._renewing:
            if self.access == used:
                self._keep(self.call("POST", "/auth/refresh", {"refresh_token": self.refresh}))

    def _keep(self, tokens: dict[str, Any]) -> None:
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]


def _reason(error: urllib.error.HTTPError) -> str:
    """Errors are problem+json: with a reason for people, and of a form with what is wrong in each field."""
    try:
        problem = json.loads(error.read())
    except (ValueError, *CUT):
        return f"the server answers {error.code}"
    return "; ".join([*problem.get("errors", {}).values()]) or problem.get("detail") or problem["title"]


def send(session: Session, conversation: int, text: str) -> None:
    """Sends a message, and tries until it is known to be there: by its key the server knows it when it comes again."""
    message = {"body": text, "key": str(uuid.uuid4())}
    for wait in waits():
        try:
            session.call("POST", f"/conversations/{conversation}/messages", message)
            return
        except CUT as error:
            note(f"not sent yet ({error}), trying again")
            time.sleep(wait)


def follow(session: Session, conversation: int, change: int, show: Callable[[dict[str, Any]], None]) -> None:
    """Shows each message that comes after that change, as long as it is let."""
    cursor = f"{conversation}:{change}"
    pauses, retry = waits(), 0.0
    while True:
        try:
            with session.open("GET", f"/live?format=json&after={cursor}", accept="text/event-stream") as stream:
                for name, data, id_ in events(stream):
                    if name == "retry":
                        pauses, retry = waits(), int(data) / 1000
                    elif name == "message":
                        show(json.loads(data))
                        cursor = id_  # only now: what was not shown is to come again
                    elif name == "reset" and data == "cursor":
                        cursor = f"{conversation}:{catch_up(session, conversation, int(cursor.split(':')[1]), show)}"
                        break
                    elif name == "close" and data == "too-many":
                        raise Refused("more streams of yours are open than one may have")
        except CUT as error:
            note(f"connection lost ({error}), coming back")
        time.sleep(max(retry, next(pauses)))


def catch_up(session: Session, conversation: int, change: int, show: Callable[[dict[str, Any]], None]) -> int:
    """Reads what the feed would not replay, for it is too much; gives the change from which to follow on."""
    while True:
        page = session.call("GET", f"/conversations/{conversation}/messages?after={change}&limit=100")
        for message in page["messages"]:
            show(message)
        if page["next"] is None:
            return int(page["change"])
        change = page["next"]


def events(stream: http.client.HTTPResponse) -> Iterator[tuple[str, str, str]]:
    """Server-Sent Events as (name, data, id); and `retry`, how many milliseconds to wait before coming back."""
    name, data, id_ = "", [], ""
    while line := stream.readline().decode(errors="replace"):  # a cut may leave half a sign, in a line that is dropped
        field, _colon, value = line.rstrip("\n").partition(": ")
        if field == "retry":
            yield "retry", value, ""
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            id_ = value
        elif not field and name:
            yield name, "\n".join(data), id_
            name, data, id_ = "", [], ""


def waits() -> Iterator[float]:
    """How long to wait before each further try: longer and longer, and not all clients at the same moment."""
    wait = 0.5
    while True:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(wait * 2, LONGEST_WAIT)


class Screen:
    """Shows messages, each once; what is edited or deleted afterwards is told in a line of its own."""

    def __init__(self) -> None:
        self.shown: dict[int, int] = {}

    def show(self, message: dict[str, Any]) -> None:
        id_, change, name = message["id"], message["change"], message["author"]["name"]
        known, self.shown[id_] = self.shown.get(id_), change
        if known == change:  # a page that was read anew
            return
        if message["deleted_at"]:
            print(plain(f"{name} deleted a message."), flush=True)
        elif message["kind"] == "system":
            print(plain(f"* {message['body']}"), flush=True)
        else:
            print(
                plain(f"{name}{' (edited)' if known and message['edited_at'] else ''}: {message['body']}"), flush=True
            )


def plain(text: str) -> str:
    """Without what a terminal would obey: whoever writes to us must not move our cursor, or write our title."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def note(text: str) -> None:
    """Beside the conversation, where it can be left out: client.py … 2>/dev/null"""
    print(f"[{plain(text)}]", file=sys.stderr, flush=True)


def talk(session: Session, conversation: int) -> None:
    """Follows and sends until the input ends."""
    screen = Screen()
    page = session.call("GET", f"/conversations/{conversation}/messages?limit=20")
    for message in page["messages"]:
        screen.show(message)
    thread = threading.Thread(target=_following, args=(session, conversation, page["change"], screen.show), daemon=True)
    thread.start()
    for line in sys.stdin:
        if line.strip():
            try:
                send(session, conversation, line.rstrip("\n"))
            except Refused as error:
                note(f"not sent: {error}")


def _following(*follows: Any) -> None:
    try:
        follow(*follows)
    except Refused as error:
        note(str(error))
        os._exit(1)  # the other thread waits for a line, and would do so for ever


def main() -> None:
    parser = argparse.ArgumentParser(description="A small client of Causerie for the terminal.")
    parser.add_argument("url", help="where Causerie is, such as http://localhost:8000")
    parser.add_argument("conversation", nargs="?", type=int, help="its number; without one, they are listed")
    parser.add_argument("--login", help="username or e-mail; else the token in CAUSERIE_TOKEN is used")
    asked = parser.parse_args()
    session = Session(asked.url, "" if asked.login else os.environ.get("CAUSERIE_TOKEN", ""))
    try:
        if asked.login:
            session.log_in(asked.login, os.environ.get("CAUSERIE_PASSWORD") or getpass.getpass())
        if asked.conversation is not None:
            talk(session, asked.conversation)
            return
        for each in session.call("GET", "/conversations")["conversations"]:
            print(plain(f"{each['id']:>6}  {each['title']}" + (f"  ({each['unread']} new)" if each["unread"] else "")))
    except (Refused, *CUT) as error:
        sys.exit(f"client.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
