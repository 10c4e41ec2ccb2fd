# SPDX-License-Identifier: Apache-2.0
"""Describes why a store fails: a full disk, a broken one, or one that is read-only. Failures of
databases are in `engine.database.outage`; this module only knows errors of the operating system."""

from __future__ import annotations

import errno
import os

from engine.model.errors import Outage

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that end by themselves once somebody makes room."""

FULL = "the disk is full"

GOES_ON = "everything goes on by itself then"

MAKE_ROOM = f"make room (anteroom trash empty removes deleted sessions for good); {GOES_ON}"

_HINTS = {
    **dict.fromkeys(NO_ROOM, MAKE_ROOM),
    errno.EROFS: "the file system has become read-only: look at its disk, then mount it again",
    errno.EIO: "the disk does not work: look into the log of the system",
    errno.EACCES: "give the folder back to the user who runs the engine",
    errno.EPERM: "give the folder back to the user who runs the engine",
    errno.EMFILE: "allow the engine more open files (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
}


def store_outage(error: OSError) -> Outage | None:
    """Return what a failed call upon the stores means to people, or None where that is not known.

    The path is left out: below the prearchive it may hold labels."""
    hint = _HINTS.get(error.errno or 0)
    if hint is None:
        return None
    if is_full(error):
        return Outage(FULL, hint=hint)
    return Outage(f"the store failed: {os.strerror(error.errno or 0)}", hint=hint)


def is_full(error: BaseException) -> bool:
    """Say whether an error of the system is that a disk, or a share of it, is full."""
    return isinstance(error, OSError) and error.errno in NO_ROOM


def named(error: BaseException) -> str:
    """Name an error for the log; the words of one that is not ours may hold data."""
    told = store_outage(error) if isinstance(error, OSError) else error
    return told.message if isinstance(told, Outage) else type(error).__name__
