# SPDX-License-Identifier: Apache-2.0
"""The manifest of a backup: every file and folder with its size and digest, one a line, and a head
that is written last. A backup without a head was cut off: nothing is ever restored from it.

    DIR/20260102T030405Z/            a whole backup; `.partial` behind the name of one being made
        backup.json                  the head: digest of the manifest, counts, version
        manifest.jsonl
        home/                        as a home lies on disk, all stores at their default places
        databases/*.dump             instead of SQLite files where PostgreSQL holds the databases
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from engine.model.backups import Backup
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.storage.files import write_durably

HEAD, MANIFEST = "backup.json", "manifest.jsonl"
HOME, DATABASES = "home", "databases"
PARTIAL = ".partial"
FORMAT = 1

_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_PLAIN = "/ !#$&'()*+,-.:;=@[]^_`{}~"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file or folder. `path` is below the backup, its bytes quoted where they are no ASCII."""

    path: str
    mode: int
    size: int = -1
    """Bytes; -1 for a folder."""
    sha256: str = ""
    source: tuple[int, ...] = ()
    """Device, inode, size and both times of the file that it is a copy of: while these are the
    same, so are its bytes."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.size < 0

    @property
    def place(self) -> str:
        """Where it is below the backup."""
        return os.fsdecode(unquote_to_bytes(self.path))


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a whole backup."""

    format: int
    version: str
    at: datetime
    node: str
    home: str
    archive_database: str
    """sqlite or postgresql."""
    prearchive_database: str
    files: int
    bytes: int
    manifest: str
    """SHA-256 of the manifest."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """A backup that has its head."""

    folder: Path
    head: Head

    @property
    def told(self) -> Backup:
        """Tell of it."""
        head = self.head
        return Backup(
            path=str(self.folder),
            at=head.at,
            version=head.version,
            node=head.node,
            home=head.home,
            files=head.files,
            bytes=head.bytes,
            warnings=head.warnings,
        )

    def entries(self) -> Iterator[Entry]:
        """Yield what is in it, folders before what is in them.

        Raises:
            Refused: if the manifest is not the one that was written.
        """
        path = self.folder / MANIFEST
        if not path.is_file() or _digest(path) != self.head.manifest:
            raise Refused(
                f"the manifest of {self.folder} is missing or was changed",
                hint="take another backup: what this one should hold cannot be told any more",
            )
        decode = msgspec.json.Decoder(Entry).decode
        with path.open("rb") as file:
            for line in file:
                entry = decode(line)
                if not _is_inside(entry.place):
                    raise Refused(f"the manifest of {self.folder} names a place outside of it")
                yield entry


def quoted(place: str) -> str:
    """Return a path as a manifest writes it."""
    return quote_from_bytes(os.fsencode(place), safe=_PLAIN)


def is_name(name: str) -> bool:
    """Say whether a folder of this name is one of our backups, whole or not."""
    return _NAME.fullmatch(name.removesuffix(PARTIAL)) is not None


def name_of(at: datetime, folder: Path) -> str:
    """Return the name of a new backup, one that is free."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    names = (stamp if number == 1 else f"{stamp}-{number}" for number in range(1, 1000))
    return next(name for name in names if not (folder / name).exists())


def find(folder: Path) -> Whole:
    """Return a backup by its own folder, or the newest of those in a folder.

    Raises:
        NotFound: if there is none.
        Refused: if it was cut off, or a newer program has made it.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    if (folder / HEAD).exists():
        return _read(folder)
    if is_name(folder.name) or folder.name.endswith(PARTIAL):
        raise Refused(
            f"{folder} is half a backup: it was cut off while it was made",
            hint=f"take another one, in {folder.parent}",
        )
    found = newest(folder)
    if found is None:
        if any(is_name(path.name) for path in folder.iterdir()):
            raise Refused(
                f"{folder} holds only half a backup, which was cut off while it was made",
                hint="make a new one: anteroom backup DIR",
            )
        raise NotFound(f"{folder} holds no backup", hint="make one with: anteroom backup DIR")
    return found


def newest(folder: Path) -> Whole | None:
    """Return the newest whole backup in a folder.

    Raises:
        Refused: if a newer program has made it.
    """
    names = sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
    whole = [name for name in names if (folder / name / HEAD).is_file()]
    return _read(folder / max(whole, key=_order)) if whole else None


def write(folder: Path, head: Head) -> Whole:
    """Make a backup whole: from here on it counts."""
    data = msgspec.json.format(msgspec.json.encode(head), indent=2) + b"\n"
    write_durably(folder / HEAD, data, mode=0o600)
    return Whole(folder=folder, head=head)


def _order(name: str) -> tuple[str, int]:
    stamp, _, number = name.partition("-")
    return stamp, int(number or 1)


def _read(folder: Path) -> Whole:
    try:
        head = msgspec.json.decode((folder / HEAD).read_bytes(), type=Head)
    except msgspec.MsgspecError:
        raise InvalidInput(
            f"{folder / HEAD} is damaged", hint="take another backup of the same folder"
        ) from None
    if head.format != FORMAT:
        raise Refused(
            f"{folder} was made by a newer version ({head.version})",
            hint="restore it with that version",
        )
    return Whole(folder=folder, head=head)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_inside(place: str) -> bool:
    parts = place.split("/")
    return not place.startswith("/") and "\0" not in place and not {"", ".", ".."} & set(parts)
