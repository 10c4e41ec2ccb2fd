# SPDX-License-Identifier: Apache-2.0
"""An engine whose home is on a small disk of its own, which can really be filled up, with bytes or
with files, and be looked at when the engine has ended."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.line.killing import Plan
from tests.line.serving import Served

DISK_MIB = 96
FILES = 4000
"""How many files and folders the disk takes."""


@pytest.fixture
def disk() -> Iterator[Path]:
    """An empty folder with a short path: that of a socket below it is looked at from elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)
    Path(f"{folder}.yaml").unlink(missing_ok=True)


class OnSmallDisk(Served):
    """An engine in a mount namespace of its own, where the folder of its home is a small disk."""

    @property
    def disk(self) -> Path:
        """The small disk, as seen from outside."""
        return Path(f"/proc/{self.ready['pid']}/root{self.home.parent}")

    async def start(
        self, *wrapper: str, environ: dict[str, str] | None = None, plan: Plan | None = None
    ) -> None:
        """Start with an empty small disk, on which only the settings lie."""
        disk = self.home.parent
        script = (
            f"mount -t tmpfs -o size={DISK_MIB}m,nr_inodes={FILES} none {disk} && "
            f"mkdir -p {self.home} && "
            f'cp {disk}.yaml {self.home}/anteroom.yaml && exec "$@"'
        )
        shutil.copy(self.home / "anteroom.yaml", f"{disk}.yaml")
        mapped = () if os.geteuid() == 0 else ("--map-root-user",)
        await super().start("unshare", *mapped, "--mount", "sh", "-c", script, "sh")
        self.ready["socket"] = str(self.disk / self.home.name / "engine.sock")

    async def stop_and_keep(self, kept: Path) -> int:
        """End the engine and copy its home, which would go with it, to a new folder; return its
        exit code."""
        held = os.open(self.disk, os.O_RDONLY | os.O_DIRECTORY)
        try:
            code = await self.stop()
            # Links and sockets of a running engine are gone by now.
            shutil.copytree(f"/proc/self/fd/{held}/{self.home.name}", kept)
        finally:
            os.close(held)
        return code

    def leave(self, free: int) -> Path:
        """Write a file until only so many bytes are left."""
        filler = self.disk / "filler"
        found = os.statvfs(self.disk)
        filler.write_bytes(bytes(max(0, found.f_bavail * found.f_frsize - free)))
        return filler

    def fill(self) -> Path:
        """Write a file until nothing more can be written."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    return filler

    def use_up_files(self) -> Path:
        """Make empty files until no more can be made; they are in a folder of theirs."""
        folder = self.disk / "files"
        folder.mkdir()
        for number in range(FILES):
            try:
                (folder / str(number)).touch()
            except OSError:
                return folder
        raise AssertionError("the disk takes any number of files")
