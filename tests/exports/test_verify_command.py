"""`python -m app verify`: what it prints, and its exit code."""

import os
import subprocess
from pathlib import Path

import pytest

import app
from app.exports import keys
from tests.conftest import Cast
from tests.exports.story import archived, pair
from tests.nursery import nursery

PROJECT = Path(app.__file__).parent.parent


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "CAUSERIE_THROWAWAY_DATABASE")}
    return nursery.run(["app", "verify", *arguments], kept | settings)


async def test_it_says_whether_this_causerie_made_it(cast: Cast, tmp_path: Path) -> None:
    """And, of what it did not make, that it is not genuine; and for what is no file, that it cannot say."""
    settings = cast.server.settings
    environ = {"DATABASE_URL": settings.database_url or "", "DATA_DIR": str(tmp_path)}
    file = tmp_path / "Chess club.zip"
    file.write_bytes(await archived(await keys.current(settings)))
    found = run(str(file), **environ)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("Authentic and complete: this Causerie created and signed it")
    assert "Chess club (JSON), https://chat.example.org" in found.stdout
    theirs, _public = pair()
    file.write_bytes(await archived(theirs))
    found = run(str(file), **environ)
    assert (found.returncode, found.stdout.splitlines()[0]) == (1, "Not authentic.")
    found = run(str(tmp_path / "nothing.zip"), **environ)
    assert (found.returncode, found.stdout[:21]) == (2, "It cannot be verified")


async def test_with_a_key_it_needs_no_causerie(tmp_path: Path) -> None:
    signer, public = pair()
    file, pem = tmp_path / "a.zip", tmp_path / "key.pub"
    data = await archived(signer)
    file.write_bytes(data)
    pem.write_text(public.public_key)
    for key in (public.public_key, public.raw, str(pem)):
        found = run(str(file), "--key", key, DATABASE_URL="nonsense", DATA_DIR=str(tmp_path / "none"))
        assert found.returncode == 0, found.stderr
    assert not (tmp_path / "none").exists(), "nothing is set up for it"
    file.write_bytes(data + b"x")
    assert run(str(file), "--key", str(pem)).returncode == 1
    _other, another = pair()
    assert run(str(file), "--key", another.raw).returncode == 1


@pytest.mark.parametrize("key", ["nonsense", "/dev/null", "-----BEGIN PUBLIC KEY-----"])
async def test_with_what_is_no_key_it_cannot_say(tmp_path: Path, key: str) -> None:
    assert run(str(tmp_path), "--key", key).returncode == 2


async def test_what_has_no_end_is_not_read() -> None:
    _signer, public = pair()
    assert run("/dev/zero", "--key", public.raw).returncode == 2


async def test_a_database_that_is_away_is_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(b"PK")
    found = run(str(file), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", DATA_DIR=str(tmp_path))
    assert found.returncode == 2
    assert "cannot be used" in found.stderr
