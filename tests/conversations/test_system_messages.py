"""What happened in a group is told in it, to each reader in their own language."""

from app.core.i18n import catalogue
from tests.conftest import Actor, Cast
from tests.conversations.story import events, history, make_group

STORY = [
    ("%(author)s created the group “%(title)s”.", {"author": "Olive Owner", "title": "100% “chess” <b>"}),
    ("%(author)s added %(subject)s.", {"author": "Olive Owner", "subject": "Oscar Outsider"}),
    ("%(author)s renamed the group to “%(title)s”.", {"author": "Olive Owner", "title": "Échecs %(title)s"}),
    ("%(author)s removed %(subject)s.", {"author": "Olive Owner", "subject": "Oscar Outsider"}),
    ("%(author)s made %(subject)s the owner.", {"author": "Olive Owner", "subject": "Milo Member"}),
    ("%(author)s left.", {"author": "Olive Owner"}),
]


async def told(cast: Cast) -> int:
    """A group in which all of STORY happened; gives its id."""
    group = await make_group(cast.olive, cast.milo, cast.mina, title="100% “chess” <b>")
    url = f"/conversations/{group}"
    await cast.olive.api.post(f"{url}/members", json={"username": "oscar"})
    await cast.olive.api.patch(url, json={"title": "Échecs %(title)s"})
    await cast.olive.api.delete(f"{url}/members/{cast.oscar.id}")
    await cast.olive.api.put(f"{url}/owner", json={"username": "milo"})
    await cast.olive.api.delete(f"{url}/members/{cast.olive.id}")
    return group


async def test_each_event_is_told_in_english_and_in_french(cast: Cast) -> None:
    group = await told(cast)
    assert await events(cast.milo, group) == [words % names for words, names in STORY]
    french = catalogue("fr")
    assert all(french.gettext(words) != words for words, _names in STORY)
    assert await events(cast.mina, group) == [french.gettext(words) % names for words, names in STORY]


async def test_a_program_reads_what_happened_without_the_words(cast: Cast) -> None:
    messages = await history(cast.milo, await told(cast))
    assert [m["event"] for m in messages] == ["created", "added", "renamed", "removed", "handed_over", "left"]
    assert {m["kind"] for m in messages} == {"system"}
    assert messages[1]["subject"] == {"id": cast.oscar.id, "username": "oscar", "name": "Oscar Outsider"}
    assert {m["author"]["username"] for m in messages} == {"olive"}


async def test_the_page_shows_them_as_text(cast: Cast) -> None:
    group = await told(cast)
    page = (await cast.milo.browser.get(f"/conversations/{group}")).text
    assert "Olive Owner created the group “100% “chess” &lt;b&gt;”." in page
    assert "<b>" not in page


async def test_nobody_edits_or_deletes_them_not_even_who_caused_them(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    created = (await history(cast.olive, group))[0]["id"]
    for who in (cast.olive, cast.milo):
        assert (await who.api.patch(f"/messages/{created}", json={"body": "no"})).status_code == 403
        assert (await who.api.delete(f"/messages/{created}")).status_code == 403
        for page in ("edit", "delete"):
            assert (await who.browser.get(f"/messages/{created}/{page}")).status_code == 403
    assert len(await events(cast.olive, group)) == 1


async def test_they_are_not_among_what_one_wrote(cast: Cast) -> None:
    async def mine(who: Actor) -> list[str]:
        return [m["body"] for m in (await who.api.get("/messages")).json()["messages"]]

    await cast.say(cast.olive, "welcome")
    assert await mine(cast.olive) == ["welcome"]
