# SPDX-License-Identifier: Apache-2.0
"""What a file system promises, as far as the way of storing an object depends on it. What cannot be
told is not assumed: the plain way is right everywhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_EXT4 = Path("/proc/fs/ext4")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What storing an object may rely on."""

    unnamed: bool = False
    """A file can be written first and named later (O_TMPFILE, linkat)."""
    in_order: bool = False
    """The sync of a file makes the names durable that it was given before. What a power loss leaves
    of a file that was not synced is short, or has holes: never other bytes."""


def abilities_of(folder: Path) -> Abilities:
    """Find out what the file system of a folder can do."""
    return Abilities(unnamed=_takes_unnamed(folder), in_order=_commits_in_order(folder))


def _takes_unnamed(folder: Path) -> bool:
    probe = folder / f".probe-{os.getpid()}"
    try:
        descriptor = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        name_descriptor(descriptor, str(probe))
        probe.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def name_descriptor(descriptor: int, path: str) -> None:
    """Name the file behind a descriptor (linkat(2)).

    Raises:
        FileExistsError: if the name is taken.
        OSError: if the name cannot be made.
    """
    # Python makes the call that follows the link of /proc only where a folder is named, too.
    source = f"/proc/self/fd/{descriptor}"
    os.link(source, path, src_dir_fd=descriptor, follow_symlinks=True)


def _commits_in_order(folder: Path) -> bool:
    # So do ext4 with a journal and ordered data, and XFS. The new name and the inode are in one
    # transaction, which the sync commits. Room is marked as written only when the bytes are there.
    found = _mount(folder)
    if found is None:
        return False
    kind, source = found
    if kind != "ext4":
        return kind == "xfs"
    # Not those of the mount, which leave out what the superblock says. Without a journal there is
    # no word of data.
    try:
        options = (_EXT4 / os.path.basename(os.path.realpath(source)) / "options").read_text()
    except OSError:
        return False
    return not {"data=ordered", "data=journal"}.isdisjoint(options.split())


def _mount(folder: Path) -> tuple[str, str] | None:
    """Return the type and the source of the file system that a folder is on (proc(5))."""
    try:
        device = os.stat(folder).st_dev
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        mount, _, system = line.partition(" - ")
        if mount.split(" ")[2] == number:
            kind, source = system.split(" ")[:2]
            return kind, _ESCAPE.sub(lambda found: chr(int(found[1], 8)), source)
    return None
