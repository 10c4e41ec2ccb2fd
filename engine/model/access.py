# SPDX-License-Identifier: Apache-2.0
"""Permissions of everything that an installation writes, whatever the umask is and whatever existed
before: folders are made with exactly their mode, and wider permissions are narrowed, or refused if
the folder is not ours. Also which folders cannot be a store, because narrowing a system folder
would lock everybody out."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.model.errors import Refused

PRIVATE = 0o700
PRIVATE_FILE = 0o600

_PERMISSIONS = 0o777
_INSIDE = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin"),
    *("/sys", "/usr", "/Library", "/System", "/private/etc"),
)
"""Folders of the system, with all that is in them."""
_ITSELF = (
    *("/", "/home", "/media", "/mnt", "/opt", "/private", "/root", "/run", "/srv", "/tmp", "/var"),
    *("/var/cache", "/var/lib", "/var/lock", "/var/log", "/var/mail", "/var/run", "/var/spool"),
    *("/var/tmp", "/dev/shm", "/Users", "/Volumes"),
)
"""Folders that others use as well: a folder of its own within them will do."""
_ALLOWED = ("/dev/shm",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Modes:
    """The modes of what others than the engine may have to reach."""

    home: int
    settings: int
    archive: int
    inbox: int


OF_USER = Modes(home=0o700, settings=0o600, archive=0o700, inbox=0o700)
"""In a home of one user."""
OF_SYSTEM = Modes(home=0o750, settings=0o640, archive=0o750, inbox=0o770)
"""In the home of a machine: the group of the home reaches the socket and may drop files."""


def make(folder: Path, mode: int, *, widest: int | None = None) -> None:
    """Make a folder with exactly this mode; one that is there keeps its mode, as far as that is not
    wider than `widest`, which is the same if not given.

    Raises:
        Refused: it is wider, and not ours to tighten.
        OSError: it cannot be made.
    """
    try:
        folder.mkdir(mode=mode, parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
        tighten(folder, mode if widest is None else widest)
        return
    folder.chmod(mode)


def tighten(path: Path, widest: int) -> None:
    """Take from a folder or file what it permits beyond `widest`.

    Raises:
        Refused: that is not ours to do, or its file system does not let us.
        OSError: it cannot be looked at.
    """
    found = path.stat()
    if not found.st_mode & _PERMISSIONS & ~widest:
        return
    mode = stat.S_IMODE(found.st_mode)
    if os.geteuid() not in (0, found.st_uid):
        raise Refused(
            f"{path} is open to others (mode {mode:o}), and belongs to {user_name(found.st_uid)}",
            hint=f"let its owner run: chmod {mode & (widest | ~_PERMISSIONS):o} {path}",
        )
    try:
        path.chmod(mode & (widest | ~_PERMISSIONS))
        left = path.stat().st_mode & _PERMISSIONS & ~widest
    except PermissionError:
        left = mode
    if left:
        raise Refused(
            f"{path} is open to others (mode {mode:o}), and its file system keeps it so",
            hint="mount that file system with modes that only the engine's user can read",
        )


def check_place(path: Path, what: str, *, but: Path | None = None) -> None:
    """Refuse a folder of the system, or one that others use as well, as the place of a store.

    Args:
        path: the place; links are followed.
        what: how it is called in the refusal.
        but: a place that is allowed all the same, with all that is in it.

    Raises:
        Refused: it is none of ours.
    """
    place = Path(os.path.realpath(path))
    if but is not None and place.is_relative_to(os.path.realpath(but)):
        return
    own = Path(os.path.realpath(os.path.expanduser("~")))
    shared = place in _real(_ITSELF) or place in own.parents
    inside = any(place.is_relative_to(folder) for folder in _real(_INSIDE))
    if shared or (inside and not any(place.is_relative_to(one) for one in _real(_ALLOWED))):
        kind = "is not of its own" if shared else "is a folder of the system"
        raise Refused(
            f"{what} cannot be {path}, which {kind}",
            hint="choose a separate folder, which Anteroom may make private",
        )


def _real(folders: Iterable[str]) -> set[Path]:
    return {Path(form) for folder in folders for form in (folder, os.path.realpath(folder))}


def user_name(uid: int) -> str:
    """Return the name by which a Unix user is known as an actor."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"
