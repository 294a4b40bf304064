"""Signing keys: made once, kept sealed, and good for ever for what they signed."""

import asyncio
import dataclasses
import io

import pytest
from cryptography.exceptions import InvalidTag

from app.core import database
from app.exports import keys
from app.exports.keys import Key
from app.exports.verify import verify
from tests.conftest import Cast, Server
from tests.exports.story import archived, pair


async def rows() -> list[database.Row]:
    return await database.fetch("SELECT * FROM signing_key ORDER BY made_at, id")


async def test_of_many_who_need_the_first_key_at_the_same_time_all_get_one(server: Server) -> None:
    made = await asyncio.gather(*(keys.current(server.settings) for _ in range(8)))
    assert len({key.id for key in made}) == 1
    assert len(await rows()) == 1
    assert (await keys.current(server.settings)).id == made[0].id


async def test_what_the_database_holds_cannot_sign(server: Server) -> None:
    key = await keys.current(server.settings)
    secret = key._private.private_bytes_raw()
    (row,) = await rows()
    assert secret not in bytes(row["sealed"])
    with pytest.raises(InvalidTag):
        keys._cipher(dataclasses.replace(server.settings, secret_key="x" * 40)).decrypt(
            row["sealed"][: keys.NONCE], row["sealed"][keys.NONCE :], row["id"].encode()
        )
    await database.fetch("UPDATE signing_key SET sealed = set_byte(sealed, 20, 1 + get_byte(sealed, 20) % 255)")
    assert keys._opened((await rows())[0], server.settings) is None


async def test_with_another_secret_key_there_is_a_new_one_and_the_old_one_still_verifies(server: Server) -> None:
    first = await keys.current(server.settings)
    data = await archived(first)
    changed = dataclasses.replace(server.settings, secret_key="y" * 40)
    made = await asyncio.gather(*(keys.current(changed) for _ in range(4)))
    assert {key.id for key in made} == {made[0].id}
    assert made[0].id != first.id
    known = (await keys.published()).keys
    assert [key.id for key in known] == [made[0].id, first.id]
    assert known[0].retired_at is None
    assert known[1].retired_at is not None
    assert verify(io.BytesIO(data), known).genuine
    assert verify(io.BytesIO(await archived(made[0])), known).genuine


async def test_the_public_half_is_there_for_everyone_and_nothing_else(cast: Cast) -> None:
    assert (await cast.nobody.api.get("/exports/keys")).json() == {"keys": []}
    key = await keys.current(cast.server.settings)
    answer = await cast.nobody.api.get("/exports/keys")
    (told,) = answer.json()["keys"]
    assert set(told) == {"id", "public_key", "raw", "made_at", "retired_at"}
    assert (told["id"], told["public_key"]) == (key.id, key.pem)
    assert told["made_at"].endswith("Z")
    page = await cast.nobody.browser.get("/exports/keys")
    assert key.pem.splitlines()[1] in page.text
    assert key.id in (await cast.milo.browser.get("/exports/keys")).text


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN", "QUJD", "é" * 44, "\ud800", "A" * 100, "=" * 44])
def test_what_is_no_key_is_none(text: str) -> None:
    assert keys.read(text) is None


def test_a_key_is_taken_as_pem_and_as_base64() -> None:
    signer, public = pair()
    assert isinstance(signer, Key)
    assert keys.read(public.public_key) == keys.read(public.raw) == public
    assert keys.read(f" {public.raw}\n") == public


def test_a_key_of_another_kind_is_none() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = pem.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert keys.read(text) is None
