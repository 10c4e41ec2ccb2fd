# SPDX-License-Identifier: Apache-2.0
"""What was found out of waiting sessions by reading all of their files: what scripts did to them,
and what the next one will do. It is kept in the prearchive, under `.reviews/{session}`, with a key
that says of which files and which script it is; of others it says nothing. It holds patient data:
it goes with the session, and callers decide who may see it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

import msgspec

from engine.intake.originals import FOLDER as ORIGINALS
from engine.model.changes import SessionChanges
from engine.sessions.contents import object_paths
from engine.storage.files import PRIVATE, write_durably

FOLDER = ".reviews"

Told = dict[str, SessionChanges]
"""By scan; all of the session under an empty name."""


class Review(StrEnum):
    """What was asked."""

    DONE = "done"
    TO_COME = "to-come"


class _File(msgspec.Struct, frozen=True, array_like=True):
    key: str
    told: Told


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_File).decode


class KeptReviews:
    """Of one prearchive."""

    def __init__(self, prearchive: Path) -> None:
        """Keep them below `{prearchive}/.reviews`."""
        self.root = prearchive / FOLDER

    def read(self, session: str, review: Review, key: str) -> Told | None:
        """Return what is kept under this key; None where it is of something else, or nothing."""
        try:
            found = _decode((self.root / session / review.value).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        return found.told if found.key == key else None

    def write(
        self, session: str, review: Review, key: str, told: Told, *, as_of: float | None = None
    ) -> None:
        """Keep what was found out instead of what is kept. It expires as if it were of `as_of`, in
        seconds since the epoch, or of now.

        Raises:
            OSError: if it cannot be written.
        """
        folder = self.root / session
        self.root.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / review.value
        write_durably(path, _encode(_File(key, told)), mode=PRIVATE)
        if as_of is not None:
            os.utime(path, (as_of, as_of))

    def drop(self, session: str) -> None:
        """Forget what is known of a session.

        Raises:
            OSError: if something stays.
        """
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root / session)

    def sessions(self) -> list[str]:
        """Name the sessions of which there may be something."""
        return sorted(path.name for path in self.root.iterdir()) if self.root.is_dir() else []

    def expire(self, seconds: float) -> int:
        """Remove what is of something older than this; return how many files."""
        oldest, gone = time.time() - seconds, 0
        for path in self.root.glob("*/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    gone += 1
        return gone


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of a session, and what tells them from others."""

    files: tuple[str, ...]
    stamp: str
    """Another one whenever a file has come, gone or changed."""
    kept: str
    """Likewise of the undo records."""
    oldest: float
    """When the oldest undo record was written, in seconds since the epoch; 0 without any."""


def inventory(folder: Path, prearchive: Path, session: str) -> Inventory:
    """List the objects of a session, and its undo records. It runs in the process pool.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    files = object_paths(folder)
    originals = prearchive / ORIGINALS / session
    records = sorted(str(path) for path in originals.glob("*.undo"))
    ages = [os.stat(path).st_mtime for path in records]
    return Inventory(
        files=tuple(files),
        stamp=_stamp(folder, files),
        kept=_stamp(originals, [os.path.basename(path) for path in records]),
        oldest=min(ages, default=0.0),
    )


def key_of(*parts: object) -> str:
    """Return a key for all that an answer depends on."""
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def _stamp(folder: Path, files: Sequence[str]) -> str:
    digest = blake2b(digest_size=16)
    for file in files:
        status = os.stat(folder / file, follow_symlinks=False)
        said = f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\n"
        digest.update(said.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
