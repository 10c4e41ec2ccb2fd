# SPDX-License-Identifier: Apache-2.0
"""The wheel that people install, by `pipx` or otherwise, holds what the source has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.test_repository import ROOT, files

PACKAGES = ("console", "engine")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """Build the wheel, from a copy: a build leaves folders, and takes up what lies in them."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in files():
        target = source / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(made)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (built,) = made.iterdir()
    with ZipFile(built) as opened:
        yield opened


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: ZipFile) -> None:
    sources = {file.relative_to(ROOT).as_posix() for file in files()}
    wanted = {name for name in sources if name.split("/")[0] in PACKAGES}
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {Path(name).suffix for name in wanted} >= {".csv", ".das", ".mako", ".tcss", ".yaml"}
    assert found == wanted


def test_the_wheel_brings_the_command_and_the_licence(wheel: ZipFile) -> None:
    beside = {name.partition("/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "anteroom = console.__main__:main" in wheel.read(beside["entry_points.txt"]).decode()
    assert wheel.read(beside["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()
    assert wheel.read(beside["top_level.txt"]).decode().split() == list(PACKAGES)
