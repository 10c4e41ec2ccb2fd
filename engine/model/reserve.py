# SPDX-License-Identifier: Apache-2.0
"""Disk space that is reserved for a full disk. Even a deletion must write to the database before it
frees space: beside each database a file occupies some blocks of its disk, which are given up when a
user deletes, and reserved again when there is space."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RESERVED = 16 * 1024 * 1024
"""Bytes that are kept on each disk, and that receiving leaves free. A deletion needs some 100 KB of
them until the database is checkpointed."""

NAME = ".reserve"


class Reserve:
    """The files that keep room, one on each disk."""

    def __init__(self, folders: Iterable[Path], *, size: int = RESERVED) -> None:
        """Keep `size` bytes on the disk of each folder; nothing is taken yet."""
        self._files = tuple({_disk(folder): folder / NAME for folder in folders}.values())
        self._size = size

    def fill(self) -> bool:
        """Take what is not taken, where there is twice as much room; say whether all is taken."""
        return all([self._fill(file) for file in self._files])

    def give_up(self) -> None:
        """Free the reserved room where a disk is too full to write down what is to be done."""
        for file in self._files:
            if free(file.parent) < self._size:
                file.unlink(missing_ok=True)

    def _fill(self, file: Path) -> bool:
        with suppress(OSError):
            if file.stat().st_size >= self._size:
                return True
        try:
            # Twice: after filling, the disk still has as much free space as receiving must leave.
            if free(file.parent) < 2 * self._size:
                return False
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(handle, 0, self._size)
        except OSError:
            file.unlink(missing_ok=True)
            return False
        finally:
            os.close(handle)
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Watermark:
    """How much of a disk receiving leaves free."""

    keep: int = 0
    """Bytes, but never more than a tenth of the disk: a small one is not full when it is empty."""
    percent: float = 0.0
    """Part of the disk; the larger of both holds."""

    def of(self, total: int) -> int:
        """Return the bytes to be left free on a disk of `total` bytes."""
        return max(RESERVED, min(self.keep, total // 10), int(total * self.percent / 100))


def room(folder: str | Path) -> tuple[int, int]:
    """Return the bytes that this user may still write on the disk of a folder, and its size."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def free(folder: Path) -> int:
    """Return the bytes that this user may still write on the disk of a folder."""
    return room(folder)[0]


def _disk(folder: Path) -> int:
    return os.stat(folder).st_dev
