# SPDX-License-Identifier: Apache-2.0
"""What is done about programs that are missing, on machines that are made of a PATH alone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import peers

ROOT = Path(__file__).parent.parent
PACKAGES = "dcmtk dicom3tools libgdcm-tools libxml2-utils openssl orthanc postgresql strace tmux"
BY_HAND = f"sudo apt-get install -y {PACKAGES}\n"
ENV = str(shutil.which("env"))

NOTHING = "exit 0"
REFUSES = "exit 1"
PASSES_ON = 'shift; exec "$@"'


@dataclass
class Machine:
    """A PATH, what lies beside it, and what was called."""

    path: Path
    debian: Path
    calls: Path

    def has(self, program: str, does: str = NOTHING, *, in_place: Path | None = None) -> None:
        """Put a program on it, which writes down how it was called."""
        file = (in_place or self.path) / program
        file.parent.mkdir(parents=True, exist_ok=True)
        called = f'echo "{program} $*" >> {shlex.quote(str(self.calls))}'
        file.write_text(f"#!/bin/sh\n{called}\n{does}\n")
        file.chmod(0o755)

    def has_all(self) -> None:
        """Put every program on it that tests need."""
        for line in peers.LIST.read_text().splitlines():
            if not line.startswith("#"):
                self.has(line.split()[1])

    def gets_all(self) -> str:
        """Return what an apt-get does that installs everything."""
        names = " ".join(
            line.split()[1] for line in peers.LIST.read_text().splitlines() if line[0] != "#"
        )
        place = shlex.quote(str(self.path))
        return f"for p in {names}; do /bin/cp {place}/apt-get {place}/$p; done"

    @property
    def called(self) -> list[str]:
        """What was called so far."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without any program but `env`; whoever tests is no root on it."""
    made = Machine(tmp_path / "bin", tmp_path / "postgresql", tmp_path / "calls")
    made.path.mkdir()
    (made.path / "env").symlink_to(ENV)
    monkeypatch.setenv("PATH", str(made.path))
    for name in ("CI", "TEST_PG_URL", "ANTEROOM_TEST_NO_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(peers, "ELSEWHERE", {"postgres": str(made.debian / "*" / "bin")})
    return made


def test_nothing_is_done_or_said_where_all_is_there(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has_all()
    machine.has("apt-get", REFUSES)
    assert peers.main("tests") == 0
    assert machine.called == []
    assert capsys.readouterr() == ("", "")


def test_postgresql_is_found_where_debian_puts_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has_all()
    (machine.path / "postgres").unlink()
    monkeypatch.setenv("CI", "true")
    assert peers.main("tests") == 1
    machine.has("postgres", in_place=machine.debian / "17" / "bin")
    assert peers.main("tests") == 0


@pytest.mark.parametrize("is_debian", [True, False])
def test_a_wheel_stands_in_for_postgresql_where_nothing_may_be_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, is_debian: bool
) -> None:
    machine.has_all()
    (machine.path / "postgres").unlink()
    if is_debian:
        machine.has("apt-get")
    assert peers.main("tests") == 0
    (machine.path / "tmux").unlink()
    assert peers.main("tests") == 1
    machine.has("tmux")
    monkeypatch.setenv("CI", "true")
    assert peers.main("tests") == 1
    assert machine.called == []


def test_root_installs_postgresql_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has_all()
    (machine.path / "postgres").unlink()
    machine.has("apt-get", machine.gets_all())
    assert peers.main("tests") == 0
    assert machine.called[-1].endswith(" --no-install-recommends postgresql")


@pytest.mark.parametrize("has_services", [True, False])
def test_the_service_that_comes_with_orthanc_does_not_stay(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, has_services: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has_all()
    (machine.path / "Orthanc").unlink()
    machine.has("apt-get", machine.gets_all())
    if has_services:
        machine.has("systemctl", REFUSES)
    assert peers.main("tests") == 0
    assert ("systemctl --quiet disable --now orthanc" in machine.called) is has_services


@pytest.mark.parametrize("name", ["TEST_PG_URL", "ANTEROOM_TEST_NO_POSTGRES"])
def test_postgresql_is_not_needed_where_another_is_named_or_none_is_wanted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    machine.has_all()
    (machine.path / "postgres").unlink()
    monkeypatch.setenv("CI", "true")
    assert peers.main("tests") == 1
    monkeypatch.setenv(name, "1")
    assert peers.main("tests") == 0


def test_a_storescu_of_python_is_not_taken_for_dcmtk(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has_all()
    (machine.path / "dcmconv").unlink()
    machine.has("storescu")
    assert peers.main("tests") == 1
    assert "dcmconv" in capsys.readouterr().err


def test_root_installs_what_is_missing_and_says_so_in_one_line(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has("apt-get", machine.gets_all())
    assert peers.main("tests") == 0
    update, install = machine.called
    assert update.endswith(" update")
    assert install.endswith(f" install -y --no-install-recommends {PACKAGES}")
    assert capsys.readouterr() == ("", f"Installing what is missing: {PACKAGES}\n")


def test_only_what_is_missing_is_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has_all()
    for program in ("tmux", "xmllint"):
        (machine.path / program).unlink()
    machine.has("apt-get", machine.gets_all())
    assert peers.main("tests") == 0
    assert machine.called[-1].endswith(" --no-install-recommends libxml2-utils tmux")


def test_sudo_that_asks_nothing_installs(machine: Machine) -> None:
    machine.has("apt-get", machine.gets_all())
    machine.has("sudo", PASSES_ON)
    machine.has("true")
    assert peers.main("tests") == 0
    assert machine.called[0] == "sudo -n true"
    assert all("DEBIAN_FRONTEND=noninteractive apt-get" in line for line in machine.called[2::2])
    assert len(machine.called) == 6


@pytest.mark.parametrize("has_sudo", [True, False])
def test_who_may_not_install_is_given_the_line(
    machine: Machine, has_sudo: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has("apt-get", machine.gets_all())
    if has_sudo:
        machine.has("sudo", REFUSES)
    assert peers.main("tests") == 1
    assert capsys.readouterr().err.endswith(BY_HAND)
    assert not any(line.startswith("apt-get") for line in machine.called)


def test_another_system_is_told_the_programs(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert peers.main("tests") == 1
    said = capsys.readouterr().err
    names = "dcmconv, dciodvfy, gdcmpdf, xmllint, openssl, Orthanc, postgres, strace, tmux"
    assert said.endswith(f": {names}\n")


@pytest.mark.parametrize("does", [REFUSES, NOTHING])
def test_an_installation_that_gives_nothing_is_a_failure(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has("apt-get", does)
    assert peers.main("tests") == 1
    assert ("This failed: env " in capsys.readouterr().err) is (does == REFUSES)


def test_a_python_without_its_part_for_environments_is_completed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert peers.main("environment") == 0
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    machine.has("apt-get")
    package = f"python3.{sys.version_info.minor}-venv"
    assert peers.main("environment") == 1
    assert capsys.readouterr().err.endswith(f"sudo apt-get install -y {package}\n")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert peers.main("environment") == 1
    assert machine.called[-1].endswith(f" {package}")


def test_no_test_runs_where_something_is_missing(tmp_path: Path) -> None:
    """The program that begins the tests, on a machine that has nothing."""
    done = subprocess.run(
        [sys.executable, "tests/peers.py", "tests"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "ANTEROOM_TEST_NO_POSTGRES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "dciodvfy" in done.stderr
    (targets,) = re.findall(r"^test: (.*?)  ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets.split()[0] == "peers"


def test_ci_installs_all_of_the_list_and_then_tests(machine: Machine) -> None:
    for program in ("bash", "cut", "dirname", "grep", "id"):
        (machine.path / program).symlink_to(str(shutil.which(program, path=os.defpath)))
    machine.has("sudo", 'exec "$@"')
    machine.has("apt-get")
    machine.has("make", f'echo "CI is $CI" >> {shlex.quote(str(machine.calls))}')
    subprocess.run([ROOT / ".ci" / "run"], check=True)
    update, install, test, marked = (line for line in machine.called if line[:4] != "sudo")
    assert update == "apt-get update"
    assert install.endswith(f" --no-install-recommends make python3-venv {PACKAGES}")
    assert (test, marked) == ("make test", "CI is true")


def test_every_program_that_tests_ask_for_is_in_the_list() -> None:
    listed = {line.split()[0] for line in peers.LIST.read_text().splitlines() if line[0] != "#"}
    asked = {
        package
        for file in (ROOT / "tests").rglob("*.py")
        for package in re.findall(r"\(apt install ([\w-]+)\)", file.read_text("utf-8"))
    }
    assert asked
    assert asked <= listed
