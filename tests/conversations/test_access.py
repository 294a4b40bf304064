"""Who may do what, by the route table itself: every route of a conversation or a message, tried by those outside."""

import re
from typing import Any

from litestar.routes import HTTPRoute

from app.core import database
from tests.conftest import Actor, Cast
from tests.conversations.story import direct

BODY = {"title": "Mine", "username": "oscar", "position": 1, "body": "let me in", "key": ""}


NUMBERS = ("conversation_id", "message_id", "person_id", "webhook_id")


def routes(app: Any) -> list[tuple[str, str]]:
    """(method, path) of each route that names a conversation or a message."""
    found = []
    for route in app.routes:
        if isinstance(route, HTTPRoute) and re.search(r"\{(conversation|message)_id:int\}", route.path_format):
            found += [(method, route.path_format) for method in route.methods if method != "OPTIONS"]
        elif isinstance(route, HTTPRoute) and re.search(r"^/(?!admin/).*\{(conversation|message)_id", route.path):
            # Without what is for administrators, which asks for no membership (test_routes.py says who gets what).
            found += [(method, route.path) for method in route.methods if method != "OPTIONS"]
    return sorted(set(found))


async def ask(who: Actor, method: str, path: str, **ids: int) -> int:
    url = re.sub(r"\{(\w+?)(?::int)?\}", lambda name: str(ids[name[1]]), path)
    answer = await who.api.request(method, url, json=BODY if method in ("POST", "PUT", "PATCH") else None)
    return answer.status_code


async def webhook(cast: Cast) -> int:
    """One of the group."""
    made = await cast.olive.api.post(f"/conversations/{cast.chess}/webhooks", json={"name": "Hook"})
    return int(made.json()["id"])


async def test_outsiders_get_404_from_every_route_and_nobody_401(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    said, whispered = await cast.say(cast.milo, "secret"), await cast.say(cast.milo, "hi", here)
    places = [(cast.chess, said["id"]), (here, whispered["id"])]
    table = routes(cast.server.app)
    assert len(table) >= 14, table
    hook = await webhook(cast)
    before = await database.fetch("SELECT * FROM message ORDER BY id")
    for method, path in table:
        for conversation, message in places:
            ids = {
                "conversation_id": conversation, "message_id": message, "person_id": cast.milo.id, "webhook_id": hook,
            }  # fmt: skip
            for who, status in ((cast.oscar, 404), (cast.remy, 404), (cast.ada, 404), (cast.nobody, 401)):
                assert await ask(who, method, path, **ids) == status, (who.name, method, path)
    assert await database.fetch("SELECT * FROM message ORDER BY id") == before


async def test_a_member_gets_something_else_from_every_route_or_the_above_means_nothing(cast: Cast) -> None:
    hook = await webhook(cast)
    for method, path in routes(cast.server.app):
        message = (await cast.say(cast.olive, "mine"))["id"]
        ids = {"conversation_id": cast.chess, "message_id": message, "person_id": cast.mina.id, "webhook_id": hook}
        if method == "DELETE" and path.endswith("}"):
            continue  # these would end the story
        assert await ask(cast.olive, method, path, **ids) != 404, (method, path)


async def test_what_does_not_exist_is_answered_like_what_may_not_be_seen(cast: Cast) -> None:
    for method, path in routes(cast.server.app):
        for number in (0, 10**12, 2**63 - 1):
            ids = dict.fromkeys(NUMBERS, number)
            assert await ask(cast.olive, method, path, **ids) == 404, (method, path, number)
        ids = dict.fromkeys(NUMBERS, 2**80)
        assert await ask(cast.olive, method, path, **ids) in (400, 404), (method, path)


async def test_a_reply_does_not_tell_an_outsider_where_a_message_is(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "secret")
    for message in (sent["id"], sent["id"] + 1000):
        answer = await cast.oscar.api.post(
            f"/conversations/{cast.chess}/messages", json={"body": "?", "reply_to": message}
        )
        assert answer.status_code == 404
