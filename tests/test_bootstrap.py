"""The set-up, in a small project of its own: one package, made here, so that no network is needed."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import app

pytestmark = pytest.mark.xdist_group("bootstrap")  # the environment is made once
SOURCE = Path(app.__file__).parent / "bootstrap.py"


class Project:
    """A checkout with requirements.txt and Aptfile; `run` is what `make setup` does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir(parents=True)
        (root / "app").mkdir()
        shutil.copy(SOURCE, root / "app" / "bootstrap.py")
        (root / "Aptfile").write_text("# nothing\n")
        self.require("1.0")

    def require(self, version: str) -> None:
        wheel = self.root / f"thing-{version}-py3-none-any.whl"
        info = f"thing-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("thing.py", f"version = {version!r}\n")
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / "requirements.txt").write_text(f"thing @ {wheel.as_uri()} --hash=sha256:{digest}\n")

    def run(self) -> subprocess.CompletedProcess[str]:
        """With only the programs in `bin` to be found: what this machine has or lacks makes no difference."""
        command = [sys.executable, str(self.root / "app" / "bootstrap.py")]
        environment = {"PATH": str(self.bin), "HOME": str(self.root), "PIP_NO_INDEX": "1"}
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=600)

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def version(self) -> str:
        python = self.root / ".venv" / "bin" / "python"
        code = "import thing; print(thing.version)"
        return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()

    def module(self, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """The bootstrap of this project, to be told of other interpreters than the one that runs this test."""
        spec = importlib.util.spec_from_file_location("bootstrap_here", self.root / "app" / "bootstrap.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setattr(sys, "executable", str(self.bin / "python3"))
        monkeypatch.setattr(module, "INTERPRETERS", ("python3", "python3.12"))
        return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("made") / "project")
    done = project.run()
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_a_second_run_does_nothing_and_a_changed_file_installs_again(made: Project) -> None:
    assert made.version() == "1.0"
    (pip,) = made.root.glob(".venv/lib/python*/site-packages/pip/__main__.py")
    pip.write_text(f"open({str(made.root / 'pip-was-started')!r}, 'w').close()\n" + pip.read_text())

    done = made.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (made.root / "pip-was-started").exists()

    made.require("1.1")
    assert made.run().returncode == 0
    assert (made.root / "pip-was-started").exists()
    assert made.version() == "1.1"


def test_a_package_whose_hash_differs_is_refused_and_tried_again_next_time(made: Project) -> None:
    made.require("1.2")
    right = (made.root / "requirements.txt").read_text()
    (made.root / "requirements.txt").write_text(right[:-5] + "0000\n")
    done = made.run()
    assert done.returncode == 1
    assert "pip could not install requirements.txt" in done.stderr
    (made.root / "requirements.txt").write_text(right)
    assert made.run().returncode == 0
    assert made.version() == "1.2"


def test_a_virtual_environment_that_leads_nowhere_is_made_anew(made: Project) -> None:
    python = made.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert made.run().returncode == 0
    assert made.version()


def test_an_old_python_is_told_which_one_is_needed(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh.program("python3", "echo 3 9")
    assert fresh.module(monkeypatch).main([]) == 1
    said = capsys.readouterr().err
    assert "Python 3.11 or newer is needed; found 3.9" in said
    assert "apt-get install python3.11" in said
    ast.parse(SOURCE.read_text(), feature_version=(3, 7))


def test_a_newer_python_beside_an_old_one_is_found(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.program("python3", "echo 3 9")
    fresh.program("python3.12", "echo 3 12")
    assert fresh.module(monkeypatch)._find_python() == "python3.12"


def test_where_debian_keeps_venv_apart_its_package_is_named(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh.program("python3", f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    assert fresh.module(monkeypatch).main([]) == 1
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in capsys.readouterr().err


def test_a_folder_that_is_no_virtual_environment_is_left_alone(fresh: Project) -> None:
    (fresh.root / ".venv").mkdir()
    (fresh.root / ".venv" / "thesis.txt").write_text("years of work")
    done = fresh.run()
    assert done.returncode == 1
    assert "is in the way" in done.stderr
    assert (fresh.root / ".venv" / "thesis.txt").exists()


def test_a_missing_library_is_said_in_one_line_and_stops_nothing(made: Project) -> None:
    (made.root / "Aptfile").write_text("# drawing\nlibmissing-1.0-0\nlibhere0\n")
    made.program("dpkg-query", "echo installed libhere0")
    try:
        done = made.run()
    finally:
        (made.root / "Aptfile").write_text("")
        (made.bin / "dpkg-query").unlink()
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert "libmissing-1.0-0" in line
    assert "apt-get install libmissing-1.0-0" in line
    assert "libhere0" not in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs without being asked")
def test_root_gets_a_missing_library_installed(made: Project) -> None:
    (made.root / "Aptfile").write_text("libmissing0\n")
    made.program("dpkg-query", "exit 1")
    made.program("apt-get", f'echo "$@" >> {made.root}/apt')
    made.program("env", 'shift; exec "$@"')
    try:
        done = made.run()
    finally:
        (made.root / "Aptfile").write_text("")
        for name in ("dpkg-query", "apt-get", "env"):
            (made.bin / name).unlink()
    assert done.returncode == 0
    (called,) = (made.root / "apt").read_text().splitlines()
    assert called.endswith("install --yes --no-install-recommends libmissing0")


@pytest.mark.parametrize("upgraded", ["folder", "stamp", "both"])
def test_after_an_upgrade_of_the_systems_python_the_virtual_environment_is_made_anew(
    made: Project, upgraded: str
) -> None:
    """Its link leads to the new interpreter, which runs and finds none of the packages of the old one."""
    assert made.run().returncode == 0
    here, stamp = f"{sys.version_info[0]}.{sys.version_info[1]}", made.root / ".venv" / "installed-requirements"
    assert here in stamp.read_text().split()
    if upgraded != "stamp":
        (made.root / ".venv" / "lib" / f"python{here}").rename(made.root / ".venv" / "lib" / "python3.9")
    if upgraded != "folder":
        stamp.write_text(stamp.read_text().replace(here, "3.9"))
    done = made.run()
    assert done.returncode == 0, done.stderr
    assert "making the virtual environment" in done.stderr
    assert made.version()
    assert here in stamp.read_text().split()
    assert (made.run().stdout, made.run().stderr) == ("", "")


def test_a_stamp_from_before_versions_were_noted_is_good(made: Project) -> None:
    assert made.run().returncode == 0
    stamp = made.root / ".venv" / "installed-requirements"
    stamp.write_text("\n".join(word for word in stamp.read_text().split() if "." not in word))
    done = made.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
