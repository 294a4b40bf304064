"""What the README says about webhooks is so."""

import asyncio
import json
import re
import shlex
from typing import Any

from app.core.templates import ROOT
from app.notifications.webhooks.following import EVENTS
from app.notifications.webhooks.sending import WAITS, Sender
from tests.conftest import Cast
from tests.notifications.webhooks.conftest import subscribe, work
from tests.receivers import Receiver

SECTION = (ROOT / "README.md").read_text().partition("\n## Webhooks\n")[2].partition("\n## ")[0]


def snippets() -> dict[str, Any]:
    """What the section's pieces of Python define."""
    there: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL):
        exec(snippet, there)
    return there


def headers_of(receiver: Receiver) -> dict[str, str]:
    return {name.title(): value for name, value in receiver.calls[0].headers.items()}


async def test_the_snippet_tells_the_genuine_from_the_forged_and_the_old(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    is_genuine = snippets()["is_genuine"]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await work(sender)
    headers, body = headers_of(receiver), receiver.calls[0].body
    assert is_genuine(made["secret"], headers, body)
    assert not is_genuine("whsec_another", headers, body)
    assert not is_genuine(made["secret"], headers, body + b" ")
    old = str(int(headers["X-Causerie-Timestamp"]) - 301)
    assert not is_genuine(made["secret"], headers | {"X-Causerie-Timestamp": old}, body)


async def test_the_call_posts(cast: Cast, make_hook: Any) -> None:
    (call,) = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    words = shlex.split(call.replace("\\\n", " "))
    body = words[words.index("-d") + 1]
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    made = await make_hook(cast.olive, cast.chess)
    answer = await cast.server.client().post(made["url"], content=body, headers=headers)
    assert answer.status_code == 201
    last = (await cast.olive.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"][-1]
    assert json.loads(body)["link"] in last["body"]


async def test_the_snippet_that_signs_posts(cast: Cast, make_hook: Any) -> None:
    made = await make_hook(cast.olive, cast.chess, signed=True)
    message = {"title": "Absence", "text": "Your child was absent at 8:00."}
    await asyncio.to_thread(snippets()["post"], made["url"], made["signing_key"], message)
    last = (await cast.olive.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"][-1]
    assert message["text"] in last["body"]


def test_the_events_and_the_waits_are_those_of_the_code() -> None:
    assert set(re.findall(r"`((?:message|member)\.\w+)`", SECTION)) == set(EVENTS)
    units = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"retried\s+after (.*?);", SECTION, re.DOTALL)
    assert told is not None
    waits = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", told[1])]
    assert tuple(waits) == WAITS[: len(waits)]
    assert set(WAITS[len(waits) :]) == {waits[-1]}
