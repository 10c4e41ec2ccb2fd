# SPDX-License-Identifier: Apache-2.0
"""Folders of a session that several processes make and use concurrently. A new folder has a mark,
the sticky bit, until its entry and those above it are durable: a process that finds the mark, or
what a failed sync has left, syncs the folders itself before it promises anything. No file is
written here."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_NEW = stat.S_ISVTX


def sync_folder(folder: Path | str) -> None:
    """Make the entries of a folder durable.

    Raises:
        OSError: if the folder cannot be opened or synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path, *parts: str) -> None:
    """Make the folders of a path below `folder` that are missing, the last one marked as new.

    Raises:
        OSError: if one cannot be made.
    """
    path = folder
    for number, part in enumerate(parts, 1):
        path /= part
        with suppress(FileExistsError):
            path.mkdir(mode=0o700 | (_NEW if number == len(parts) else 0))


def make_durably(root: Path, folder: Path, *, mode: int) -> None:
    """Make a folder below `root` and its parents, and make all of their entries durable, whichever
    process has made them.

    Raises:
        OSError: if one cannot be made or synced.
    """
    above = [root / parent for parent in reversed(folder.relative_to(root).parents)]
    for path in (*above[1:], folder):
        with suppress(FileExistsError):
            path.mkdir(mode=mode)
            path.chmod(mode)  # the umask has no say
    for path in above:
        sync_folder(path)


def settle(descriptor: int, folder: Path | str, *parts: str, made: bool = False) -> None:
    """Make the folders on the way to an open one durable, unless somebody has done so.

    `made`: the caller has made some of them; a file system that keeps no marks is then synced too.

    Raises:
        OSError: if they are not durable; the mark stays.
    """
    mode = os.fstat(descriptor).st_mode
    if not made and not mode & _NEW:
        return
    path = Path(folder)
    for part in parts:
        sync_folder(path)
        path /= part
    if mode & _NEW:
        os.fchmod(descriptor, stat.S_IMODE(mode) & ~_NEW)
