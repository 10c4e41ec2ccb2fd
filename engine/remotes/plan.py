# SPDX-License-Identifier: Apache-2.0
"""What is to be sent: the objects of a session in the order in which they go, and the presentation
contexts that they need. Only the meta information of the files is read. Runs in the process pool;
pynetdicom is not needed here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_meta
from engine.sessions.contents import object_paths
from engine.sessions.holdings import listed_objects

MOST_CONTEXTS = 128
"""Presentation contexts of one association (PS3.8 9.3.2.2: odd numbers from 1 to 255)."""

_LONGEST_UID = 64
_META = 4096
_LONGEST_META = 1024 * 1024


class Context(NamedTuple):
    """A SOP class in the transfer syntax that files have."""

    sop_class: str
    transfer_syntax: str


class Planned(NamedTuple):
    """A file that goes."""

    path: str
    """Below the session's folder."""
    uid: str
    size: int
    context: int
    """Its number in the plan; -1 where the file cannot be read."""
    fault: str = ""
    """Why it cannot be sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All files that go, those of one association beside each other."""

    contexts: tuple[Context, ...]
    files: tuple[Planned, ...]
    digest: str
    """Of the names, in their order: two plans with the same digest send the same files."""

    @property
    def bytes(self) -> int:
        """The size of the files."""
        return sum(each.size for each in self.files)


def plan(folder: Path, scans: Sequence[str] = (), document: str = "") -> Plan:
    """Plan to send a session, or some of its scans; with the document of a filed session, what its
    catalogs name.

    Raises:
        FileNotFoundError: if the folder does not exist.
        NotFound: if there is no such scan.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    paths: list[str] = []
    for scan in scans or ("",):
        if document:
            paths += listed_objects(folder, document, scan)
        else:
            paths += object_paths(folder, scan)
    return planned(folder, dict.fromkeys(paths))


def planned(folder: Path, paths: Iterable[str]) -> Plan:
    """Plan to send some files."""
    contexts: dict[Context, int] = {}
    files = [_looked_at(folder, path, contexts) for path in paths]
    # The sort is stable: within an association they go in the order of scans and names.
    files.sort(key=lambda each: max(each.context, 0) // MOST_CONTEXTS)
    digest = hashlib.sha256()
    for each in files:
        digest.update(each.path.encode("utf-8", "surrogateescape") + b"\0")
    return Plan(contexts=tuple(contexts), files=tuple(files), digest=digest.hexdigest())


def _looked_at(folder: Path, path: str, contexts: dict[Context, int]) -> Planned:
    place = folder / path
    try:
        # What a link points to was not received.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            start = file.read(_META)
            try:
                meta = read_meta(start)
            except HeaderError:
                meta = read_meta(start + file.read(_LONGEST_META))
            size = file.seek(0, 2)
    except OSError as error:
        return Planned(path, "", 0, -1, f"the file cannot be read: {error.strerror}")
    except HeaderError as error:
        return Planned(path, "", 0, -1, f"it is no DICOM file: {error.reason}")
    if not meta.sop_class or not meta.sop_instance:
        return Planned(path, "", size, -1, "its meta information does not name class and instance")
    if not all(map(_can_be_sent, (meta.sop_class, meta.sop_instance, meta.transfer_syntax))):
        return Planned(path, "", size, -1, "one of its UIDs is too long, or is none")
    context = Context(meta.sop_class, meta.transfer_syntax)
    number = contexts.setdefault(context, len(contexts))
    return Planned(path, meta.sop_instance, size, number)


def _can_be_sent(uid: str) -> bool:
    """Say whether a message has room for a UID; whether it is a good one is for the remote to say.
    A backslash would make two of it."""
    fits = len(uid) <= _LONGEST_UID and uid.isascii() and uid.isprintable()
    return fits and "\\" not in uid
