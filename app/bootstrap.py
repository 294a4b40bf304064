"""Everything that must be on this machine before the app can start: `python3 app/bootstrap.py [--dev]`.

Uses the standard library alone, in a syntax that old Pythons parse: it is what tells them that they are too old. When
nothing is missing it prints nothing and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed-requirements"  # the hashes of the files that pip has installed, and the Python
OLDEST = (3, 11)
INTERPRETERS = ("python3", "python3.13", "python3.12", "python3.11", "/usr/bin/python3")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Chromium without windows, as Debian has it: for the same test it takes a third less of a processor.
SHELL = "chromium-headless-shell"
REDIS = ("redis-server", "valkey-server")
# What nobody imports, or imports as a library in C: a third of all code. If somebody does, it is compiled then.
NOT_COMPILED = r"site-packages/(faker|mypy|mypyc|setuptools|pkg_resources|pygments/lexers|.*/tests?)/"


class SetupError(Exception):
    """Set-up cannot go on; the message says what is wrong and how to mend it."""


def main(arguments: list[str]) -> int:
    """Sets up what is missing; gives the exit code."""
    dev = "--dev" in arguments
    try:
        if not _works(PYTHON):
            _make_venv(_find_python())
        _install_requirements("requirements-dev.txt" if dev else "requirements.txt")
        _offer_system_libraries()
        if dev:
            _require_test_programs()
    except SetupError as error:
        _say(str(error))
        return 1
    return 0


def _works(python: Path) -> bool:
    asked = _version(str(python))
    return asked is not None and asked >= OLDEST and (VENV / "bin" / "pip").exists() and _is_made_for(asked)


def _is_made_for(version: tuple[int, int]) -> bool:
    """Whether the packages are those of this Python: after an upgrade of the system the links lead to another one, that
    runs and finds none of them. Stamps from before it was noted name none."""
    noted = [word for word in _stamp() if "." in word]
    packages = VENV / "lib" / f"python{_dotted(version)}" / "site-packages"
    return noted in ([], [_dotted(version)]) and packages.is_dir()


def _stamp() -> list[str]:
    return STAMP.read_text().split() if STAMP.exists() else []


def _find_python() -> str:
    found = {}
    for name in (sys.executable, *INTERPRETERS):
        version = _version(name)
        if version is not None and version >= OLDEST:
            return name
        if version is not None:
            found[version] = name
    seen = ", ".join(f"{_dotted(version)} ({name})" for version, name in sorted(found.items()))
    raise SetupError(
        f"Python {_dotted(OLDEST)} or newer is needed; found {seen or 'none'}. "
        f"Try: {_apt_line(['python3.11', 'python3.11-venv'])} (Debian 12 and Ubuntu 24.04 or newer have it as python3)"
    )


def _version(python: str) -> tuple[int, int] | None:
    """The version of an interpreter that really runs: a shim or a link may be there and lead nowhere."""
    try:
        asked = _quiet([python, "-c", "import sys; print(*sys.version_info[:2])"])
    except OSError:
        return None
    match = re.match(r"(\d+) (\d+)\n", asked.stdout)
    return (int(match[1]), int(match[2])) if match and asked.returncode == 0 else None


def _make_venv(python: str) -> None:
    if VENV.exists() and not VENV.is_symlink():
        if any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").exists():
            raise SetupError(f"{VENV} is in the way: it is no virtual environment. Move it elsewhere.")
        shutil.rmtree(VENV)
    if _quiet([python, "-c", "import ensurepip, venv"]).returncode != 0:
        package = f"python{_dotted(_version(python) or OLDEST)}-venv"  # Debian and Ubuntu keep it apart
        if not _apt_install([package], "needed to make the virtual environment"):
            raise SetupError(f"the virtual environment needs a package of the system: {_apt_line([package])}")
    STAMP.unlink() if STAMP.exists() else None  # where .venv is a link, what it leads to is still there
    _say(f"making the virtual environment in {VENV}")
    made = _quiet([python, "-m", "venv", str(VENV)])
    if made.returncode != 0:
        raise SetupError(f"the virtual environment could not be made: {_last_line(made.stdout + made.stderr)}")


def _install_requirements(name: str) -> None:
    wanted = _digest(name)
    if wanted in _stamp():
        return
    _say(f"installing the packages of {name} (once; it takes a minute or two)")
    STAMP.unlink() if STAMP.exists() else None
    # Compiled afterwards, on all cores: pip would take one file after the other, for as long as all the rest takes it.
    options = ["-qq", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r", str(PROJECT / name)]
    if subprocess.call([str(PYTHON), "-m", "pip", "install", "--no-compile", *options]) != 0:
        raise SetupError(
            f"pip could not install {name}: the lines above say why. The first time it needs the network (behind a "
            f"proxy, set HTTPS_PROXY) and about 400 MB of disk. Then type the same command again."
        )
    for packages in VENV.glob("lib/*/site-packages"):
        # What it cannot, the start will.
        _quiet([str(PYTHON), "-m", "compileall", "-qq", "-j", "0", "-x", NOT_COMPILED, str(packages)])
    done = {wanted, _dotted(_version(str(PYTHON)) or OLDEST)}
    if _pins("requirements.txt") <= _pins(name):
        done.add(_digest("requirements.txt"))
    STAMP.write_text("\n".join(sorted(done)) + "\n")


def _digest(name: str) -> str:
    return hashlib.sha256((PROJECT / name).read_bytes()).hexdigest()


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==\S+", (PROJECT / name).read_text(), re.MULTILINE))


def _offer_system_libraries() -> None:
    """Those of Aptfile. The app starts without them; what needs them (PDF) will not work."""
    listed = [line.strip() for line in (PROJECT / "Aptfile").read_text().splitlines()]
    packages = [line for line in listed if line and not line.startswith("#")]
    missing = _missing(packages)
    if missing and not _apt_install(missing, "for exports as PDF"):
        _say(f"exports as PDF will need {', '.join(missing)}. To add them: {_apt_line(missing)}")


def _missing(packages: list[str]) -> list[str]:
    if shutil.which("dpkg-query"):
        asked = _quiet(["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n", *packages])
        installed = {line.split()[1] for line in asked.stdout.splitlines() if line.startswith("installed ")}
        return [package for package in packages if package not in installed]
    # Elsewhere the names differ: libpango-1.0-0 is the library pango-1.0.
    libraries = {package: re.sub(r"^lib(.*?)-?0$", r"\1", package) for package in packages if package.startswith("lib")}
    return [package for package, library in libraries.items() if not find_library(library)]


def _require_test_programs() -> None:
    if not _any_of(BROWSERS):
        ubuntu = "ID=ubuntu" in _os_release()
        if ubuntu or not _apt_install(["chromium"], "the browser of the end-to-end tests"):
            how = (
                "Ubuntu has it only as a snap: sudo snap install chromium, or install Google Chrome"
                if ubuntu
                else _apt_line(["chromium"])
            )
            raise SetupError(f"the end-to-end tests need Chromium or Google Chrome. {how}")
    if re.search(r"^ID=debian$", _os_release(), re.MULTILINE) and not _any_of((SHELL,)):
        _apt_install([SHELL], "most end-to-end tests run in half the time with it")  # and without it all the same
    if not _any_of(REDIS) and not _apt_install(["redis-server"], "for the tests of many machines"):
        raise SetupError(f"the tests need a Redis or Valkey server: {_apt_line(['redis-server'])}")
    if not _any_of(("pdftotext",)) and not _apt_install(["poppler-utils"], "to read PDF in the tests"):
        raise SetupError(f"the tests of PDF need pdftotext: {_apt_line(['poppler-utils'])}")


def _any_of(programs: tuple[str, ...]) -> bool:
    return any(shutil.which(name) for name in programs)


def _os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text() if path.exists() else ""


def _apt_install(packages: list[str], why: str) -> bool:
    """Installs from the system's packages if we may: as root, or by a sudo that asks nothing. Says whether it did."""
    if not shutil.which("apt-get"):
        return False
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and (not shutil.which("sudo") or _quiet(["sudo", "-n", "true"]).returncode != 0):
        return False
    _say(f"installing {', '.join(packages)} with apt-get ({why})")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    apt += ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
    install = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    done = _quiet(install)
    if done.returncode != 0:  # the lists of a fresh machine are empty or old
        _quiet([*apt, "update"])
        done = _quiet(install)
    if done.returncode != 0:
        _say(f"apt-get did not succeed: {_last_line(done.stderr)}")
    return done.returncode == 0


def _apt_line(packages: list[str]) -> str:
    return ("" if os.geteuid() == 0 else "sudo ") + "apt-get install " + " ".join(packages)


def _quiet(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _say(line: str) -> None:
    print(f"causerie: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
