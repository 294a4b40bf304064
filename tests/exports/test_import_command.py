"""`python -m app import`, as an operator meets it."""

import asyncio
import json
import subprocess
from pathlib import Path

from app.core import database
from tests.conftest import Cast
from tests.exports.test_importing import written
from tests.exports.test_source import talk
from tests.test_cli import run


async def command(cast: Cast, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    address = cast.server.settings.database_url or ""
    return await asyncio.to_thread(run, "import", *arguments, DATABASE_URL=address, **settings)


async def test_an_operator_imports_a_file_and_is_told_what_came_of_it(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file, names = tmp_path / "chess.json", tmp_path / "names"
    await written(cast.milo, cast.chess, file)
    names.write_text("milo oscar\n")
    done = await command(cast, str(file), "--owner", "milo", "--map", str(names), "--title", "Old chess")
    assert done.returncode == 0, done.stderr
    group = await database.fetch_value("SELECT id FROM conversation WHERE title = 'Old chess'")
    count = await database.fetch_value("SELECT position - 1 FROM conversation WHERE id = $1", group)
    assert f"imported “Old chess” as conversation {group}: {count} messages" in done.stderr
    assert f"read {count} of {count} messages" in done.stderr
    assert "wrote as themselves: milo" in done.stderr
    assert "wrote under deactivated accounts: mina, olive, remy" in done.stderr
    again = await command(cast, str(file))
    assert again.returncode == 2
    assert "It is here already" in again.stderr
    assert "Traceback" not in again.stderr
    await database.fetch("UPDATE message SET created_at = created_at - interval '3 days'")
    await written(cast.milo, cast.chess, file)
    old = await command(cast, str(file), "--again", MESSAGE_RETENTION_DAYS="2")
    assert "messages older than 2 days are deleted here each night" in old.stderr


async def test_what_cannot_be_imported_is_said_in_a_line(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    for arguments, said in (
        ([str(tmp_path / "missing.json")], "missing.json"),
        ([str(file), "--owner", "nobody.here"], "nobody.here"),
        ([str(file), "--map", str(file)], "line"),
        ([str(tmp_path)], "directory"),
    ):
        done = await command(cast, *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert said in done.stderr


async def test_no_name_of_a_file_does_anything_to_the_terminal(cast: Cast, tmp_path: Path) -> None:
    await cast.say(cast.milo, "hello")
    file = tmp_path / "chess.json"
    document = await written(cast.milo, cast.chess, file)
    document["messages"][-1]["author"] = {"id": 10**9, "username": "\x1b[2Jeve", "name": "Eve"}
    file.write_text(json.dumps(document))
    done = await command(cast, str(file), "--owner", "milo")
    assert done.returncode == 0, done.stderr
    assert "eve" in done.stderr
    assert "\x1b[2J" not in done.stderr
