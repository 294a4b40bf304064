"""A bot is no way back in for whoever was blocked or removed, and no heir."""

from app.core import database
from tests.accounts.test_tokens import bot_of, made, program
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, history


async def block(who: Actor, whom: str) -> None:
    assert (await who.api.put(f"/people/{whom}/block")).status_code == 204


async def add(cast: Cast, username: str) -> None:
    there = f"/conversations/{cast.chess}/members"
    assert (await cast.olive.api.post(there, json={"username": username})).status_code == 201


async def code_of(cast: Cast) -> str:
    return str((await cast.olive.api.put(f"/conversations/{cast.chess}/code", json={})).json()["code"])


async def test_who_was_removed_does_not_come_in_again_as_their_bot(cast: Cast) -> None:
    code = await code_of(cast)
    _id, bot = await bot_of(cast.milo)
    gone = f"/conversations/{cast.chess}/members/{cast.milo.id}"
    assert (await cast.olive.api.delete(gone)).status_code == 204
    assert (await bot.api.post(f"/join/{code}")).status_code == 404
    assert (await cast.milo.api.post(f"/join/{code}")).status_code == 404
    other, _bot = await bot_of(cast.oscar, username="rain")
    assert (await cast.oscar.api.post(f"/join/{code}")).status_code == 201
    await add(cast, "rain")
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{other}")).status_code == 204
    await database.fetch("DELETE FROM membership WHERE conversation = $1 AND person = $2", cast.chess, cast.oscar.id)
    assert (await cast.oscar.api.post(f"/join/{code}")).status_code == 404


async def test_who_is_removed_is_out_with_their_bots_and_everyone_reads_it(cast: Cast) -> None:
    _id, bot = await bot_of(cast.milo)
    await add(cast, "weather")
    where = f"/conversations/{cast.chess}/messages"
    assert (await bot.api.get(where)).status_code == 200
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert (await bot.api.get(where)).status_code == 404
    told = [message["subject"]["username"] for message in (await history(cast.olive, cast.chess))[-2:]]
    assert told == ["milo", "weather"]


async def test_whoever_is_blocked_does_not_write_as_their_bot(cast: Cast) -> None:
    _id, bot = await bot_of(cast.milo)
    await block(cast.mina, "milo")
    assert (await bot.api.put("/direct/mina")).status_code == 404
    assert (await bot.api.get("/people/mina")).status_code == 404
    assert (await cast.mina.api.get("/people/weather")).status_code == 404
    assert (await cast.olive.api.get("/people/weather")).status_code == 200
    assert (await bot.api.get("/people/olive")).status_code == 200
    await cast.mina.api.delete("/people/milo/block")
    assert (await bot.api.put("/direct/mina")).status_code == 200


async def test_what_their_bot_began_before_ends_with_the_block_and_comes_back_without_it(cast: Cast) -> None:
    _id, bot = await bot_of(cast.milo)
    where = await direct(bot, cast.mina)
    said = f"/conversations/{where}/messages"
    assert (await bot.api.post(said, json={"body": "rain"})).status_code == 201
    await block(cast.mina, "milo")
    assert (await bot.api.post(said, json={"body": "sun"})).status_code == 404
    await block(cast.mina, "milo")
    await database.fetch(
        "INSERT INTO block (person, blocked) SELECT $1, id FROM person WHERE username = 'weather'", cast.mina.id
    )
    await cast.mina.api.delete("/people/milo/block")
    assert (await bot.api.post(said, json={"body": "sun"})).status_code == 404, "the bot itself is blocked, too"
    await cast.mina.api.delete("/people/weather/block")
    assert (await bot.api.post(said, json={"body": "sun"})).status_code == 201


async def test_who_blocked_a_bot_still_meets_its_owner(cast: Cast) -> None:
    await bot_of(cast.milo)
    await block(cast.mina, "weather")
    assert (await cast.mina.api.get("/people/milo")).status_code == 200
    assert (await cast.milo.api.put("/direct/mina")).status_code == 200


async def test_the_page_of_a_bot_says_whose_it_is(cast: Cast) -> None:
    await bot_of(cast.milo)
    assert (await cast.mina.api.get("/people/weather")).json()["bot_of"] == "milo"
    assert "Bot of @milo" in (await cast.olive.browser.get("/people/weather")).text
    assert "bot_of" not in (await cast.mina.api.get("/people/milo")).json()


async def test_a_group_is_not_handed_to_a_bot_and_ends_with_the_last_of_its_people(cast: Cast) -> None:
    _id, bot = await bot_of(cast.olive)
    await add(cast, "weather")
    heir = await cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "weather"})
    assert heir.status_code == 422
    for who in (cast.olive, cast.milo, cast.mina):
        assert (await who.api.delete(f"/conversations/{cast.chess}/members/{who.id}")).status_code == 204
    row = await database.fetch_row("SELECT owner, deleted_at FROM conversation WHERE id = $1", cast.chess)
    assert row is not None
    assert row["owner"] is None
    assert row["deleted_at"] is not None
    assert (await bot.api.get(f"/conversations/{cast.chess}")).status_code == 404


async def test_a_token_of_ones_own_is_no_bot(cast: Cast) -> None:
    await block(cast.mina, "milo")
    script = program(cast.server, await made(cast.milo))
    assert (await script.api.put("/direct/mina")).status_code == 404
    assert (await script.api.put("/direct/olive")).status_code == 200
