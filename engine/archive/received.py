# SPDX-License-Identifier: Apache-2.0
"""The objects of an archived session as they were received: a private file in its folder, by which
an object that is sent again is recognised. It contains only HMACs, one small entry per object.
Finding the session of a study is up to the tables."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from engine.storage.files import PRIVATE, write_synced

FILE = ".received"

_MAGIC = b"ANTEROOM received 2\n"
_OLDER = b"ANTEROOM received 1\n"
"""Begins a file with keys of older digests (`engine.dicom.digest`) among its own."""
_KEY, _PLACE = 16, 8
"""Bytes of an entry: the object as received, and where it lies now."""


def write(folder: Path, entries: Iterable[tuple[bytes, str]], *, older: bool = False) -> None:
    """Write the file durably; `entries` are the key of each object and its path below the folder.
    With `older` some keys are of older digests.

    Raises:
        OSError: if it cannot be written.
    """
    lines = sorted(key[:_KEY] + place_of(path) for key, path in entries)
    write_synced(folder / FILE, (_OLDER if older else _MAGIC, *lines), mode=PRIVATE)


def known(folder: Path, paths: Iterable[str]) -> frozenset[bytes]:
    """Return the keys of the objects that still lie at their `paths` below the folder: what is lost
    is welcome when it comes again. Nothing where the file is missing or damaged."""
    entries = places(folder)
    there = {place_of(path) for path in paths} if entries else set()
    return frozenset(key for key, place in entries.items() if place in there)


def places(folder: Path) -> dict[bytes, bytes]:
    """Return by its key where each object lay when it was filed, as `place_of` says it. Nothing
    where the file is missing or damaged."""
    try:
        data = (folder / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    if not data.startswith((_MAGIC, _OLDER)) or (len(data) - len(_MAGIC)) % (_KEY + _PLACE):
        return {}
    return {
        data[start : start + _KEY]: data[start + _KEY : start + _KEY + _PLACE]
        for start in range(len(_MAGIC), len(data), _KEY + _PLACE)
    }


def is_older(folder: Path) -> bool:
    """Say whether some keys are of older digests."""
    try:
        with (folder / FILE).open("rb") as file:
            return file.read(len(_OLDER)) == _OLDER
    except (FileNotFoundError, NotADirectoryError):
        return False


def shortened(key: bytes) -> bytes:
    """Return as much of a key as is kept."""
    return key[:_KEY]


def place_of(path: str) -> bytes:
    """Return as much of a path as is kept."""
    return hashlib.blake2b(os.fsencode(path), digest_size=_PLACE).digest()
