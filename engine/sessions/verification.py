# SPDX-License-Identifier: Apache-2.0
"""Compares a filed session with its description: its document names the catalogs, the catalogs list
the files, and the folder should contain these and nothing else. The functions read whole sessions
and run in other processes; nothing is changed here. They raise `FileNotFoundError` if the folder
does not exist."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.archive import received
from engine.model.archive import ScanSummary
from engine.model.imaging import CatalogEntry, SessionDocument
from engine.model.verification import Fault, FaultKind, Faults
from engine.sessions.build.document import read_session
from engine.sessions.build.entries import read_entries
from engine.sessions.build.layout import BUILD_LOG
from engine.sessions.build.markup import MarkupError
from engine.sessions.contents import described, told
from engine.sessions.holdings import Holding, fault_of, holdings, is_below, read_filed

_LEFT_BY_NFS = ".nfs"
"""How NFS calls a file that was removed while somebody has it open: it goes by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a look at names and sizes has found; no file was read but the catalogs."""

    holdings: tuple[Holding, ...]
    """Those whose catalog can be read."""
    scans: tuple[ScanSummary, ...]
    """With the files and bytes that their catalogs name."""
    files: int
    bytes: int
    faults: Faults


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """Where digesting continues."""

    holding: int = 0
    byte: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Digested:
    """A part of a session's files, read and compared."""

    after: Cursor | None
    """None at the end."""
    files: int
    bytes: int
    undigested: int
    """Of the files, those whose catalog holds no digest: they were not read."""
    faults: Faults


def look(folder: Path, document: str) -> Look:
    """Compare document, catalogs and folder by names and sizes."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    session = read_filed(document)
    if session is None:
        detail = "the session document of the database cannot be read"
        fault = Fault(kind=FaultKind.DAMAGED, path=f"{folder.name}.xml", detail=detail)
        return Look(holdings=(), scans=(), files=0, bytes=0, faults=Faults().plus((fault,)))
    counted = [_look_at(folder, each) for each in holdings(session)]
    faults = Faults().plus(_document_faults(folder, session))
    for one in counted:
        faults = faults.joined(one.faults)
    faults = faults.plus(_strays(folder, counted))
    scans = tuple(
        replace(
            described(scan),
            files=sum(one.files for one in counted if one.holding.scan == scan.id),
            bytes=sum(one.bytes for one in counted if one.holding.scan == scan.id),
        )
        for scan in session.scans
    )
    return Look(
        holdings=tuple(one.holding for one in counted if one.readable),
        scans=scans,
        files=sum(one.files for one in counted),
        bytes=sum(one.bytes for one in counted),
        faults=faults,
    )


def digest(folder: Path, kept: tuple[Holding, ...], start: Cursor, seconds: float) -> Digested:
    """Read files and compare their digests for about so many seconds, one file at least.

    What `look` tells of, files that are gone or have another size, is not told again.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    until = time.monotonic() + seconds
    files = size = undigested = 0
    found: list[Fault] = []
    after: Cursor | None = None
    for place, entry, path in _entries_from(folder, kept, start):
        if files and time.monotonic() >= until:
            after = place
            break
        files += 1
        if not entry.digest:
            undigested += 1
            continue
        read, detail = _compared(path, entry)
        size += read
        if detail:
            named = told(f"{kept[place.holding].path}/{entry.uri}")
            found.append(Fault(kind=FaultKind.CHANGED, path=named, detail=detail))
    return Digested(
        after=after, files=files, bytes=size, undigested=undigested, faults=Faults().plus(found)
    )


@dataclass(slots=True)
class _Counted:
    """What the catalog of one resource names, and what is there of it."""

    holding: Holding
    readable: bool
    files: int
    bytes: int
    faults: Faults
    strays: list[str]


def _look_at(folder: Path, holding: Holding) -> _Counted:
    place = folder / holding.path
    names: set[str] = set()
    faults = Faults()
    files = size = 0
    try:
        for _, entry in read_entries(folder / holding.catalog_path):
            files += 1
            size += entry.size
            fault = _damage_of(holding, entry, names) or fault_of(place, holding, entry)
            if fault is not None:
                faults = faults.plus((fault,))
            names.add(entry.uri)
    except FileNotFoundError:
        return _unreadable(holding, "it is missing")
    except OSError as error:
        return _unreadable(holding, f"it cannot be read: {error.strerror}")
    except MarkupError as error:
        return _unreadable(holding, str(error))
    if (files, size) != (holding.files, holding.bytes):
        detail = (
            f"it names {files} files of {size} bytes, "
            f"the session document {holding.files} of {holding.bytes}"
        )
        fault = Fault(kind=FaultKind.DAMAGED, path=told(holding.catalog_path), detail=detail)
        faults = faults.plus((fault,))
    strays = [
        f"{holding.path}/{name}"
        for name in _below(place, "")
        if name not in names and name != holding.catalog
    ]
    return _Counted(holding, True, files, size, faults, strays)


def _unreadable(holding: Holding, why: str) -> _Counted:
    """Tell of a catalog that says nothing: which files are strays then is not known either."""
    fault = Fault(kind=FaultKind.DAMAGED, path=told(holding.catalog_path), detail=why)
    return _Counted(holding, False, 0, 0, Faults().plus((fault,)), [])


def _damage_of(holding: Holding, entry: CatalogEntry, names: set[str]) -> Fault | None:
    """Tell of an entry that no build writes."""
    detail = ""
    if not is_below(entry.uri):
        detail = "it names a file outside of its folder"
    elif entry.uri in names:
        detail = "it names a file twice"
    if not detail:
        return None
    return Fault(kind=FaultKind.DAMAGED, path=told(holding.catalog_path), detail=detail)


def _document_faults(folder: Path, session: SessionDocument) -> Iterator[Fault]:
    """Compare the document beside the files with the one of the database."""
    name = f"{folder.name}.xml"
    try:
        beside = read_session((folder / name).read_bytes())
    except FileNotFoundError:
        yield Fault(kind=FaultKind.MISSING, path=told(name))
    except OSError as error:
        detail = f"it cannot be read: {error.strerror}"
        yield Fault(kind=FaultKind.DAMAGED, path=told(name), detail=detail)
    except MarkupError as error:
        yield Fault(kind=FaultKind.DAMAGED, path=told(name), detail=str(error))
    else:
        if beside != session:
            detail = "it is not the document of the database"
            yield Fault(kind=FaultKind.CHANGED, path=told(name), detail=detail)


def _strays(folder: Path, counted: list[_Counted]) -> Iterator[Fault]:
    """Name what lies in the folder and is told of nowhere: archiving puts nothing else there than
    listed files, catalogs, the document, the log of the build and the private file of what was
    received."""
    looked_into = {one.holding.path for one in counted}
    own = {f"{folder.name}.xml", BUILD_LOG, received.FILE}
    for one in counted:
        for path in one.strays:
            yield Fault(kind=FaultKind.STRAY, path=told(path))
    for path in _below(folder, "", looked_into):
        if path not in own:
            yield Fault(kind=FaultKind.STRAY, path=told(path))


def _below(place: Path, prefix: str, but: set[str] | frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the paths of what is no folder below a place, hidden names among them; what is in the
    folders named by `but` is left out."""
    try:
        with os.scandir(place) as entries:
            folders = []
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif not entry.name.startswith(_LEFT_BY_NFS):
                    yield prefix + entry.name
    except OSError:
        # A folder that is not there has nothing in it; its files are told of as missing.
        return
    for name in sorted(folders):
        if prefix + name not in but:
            yield from _below(place / name, f"{prefix}{name}/", but)


def _entries_from(
    folder: Path, kept: tuple[Holding, ...], start: Cursor
) -> Iterator[tuple[Cursor, CatalogEntry, str]]:
    """Yield each entry with its place, from a place on."""
    for number in range(start.holding, len(kept)):
        catalog = folder / kept[number].catalog_path
        first = start.byte if number == start.holding else 0
        # A catalog that has just been damaged is told of by the next look.
        with suppress(OSError, MarkupError):
            for byte, entry in read_entries(catalog, first):
                if is_below(entry.uri):
                    where = Cursor(holding=number, byte=byte)
                    yield where, entry, f"{folder}/{kept[number].path}/{entry.uri}"


def _compared(path: str, entry: CatalogEntry) -> tuple[int, str]:
    """Read a file; return its bytes, and what is wrong with them."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return 0, ""
        read, digest = _digest_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0, ""
    except OSError as error:
        return 0, f"it cannot be read: {error.strerror}"
    if digest == entry.digest.lower() or entry.size not in (0, read):
        return read, ""
    return read, "its digest is not the one that the catalog names"


def _digest_of(path: str) -> tuple[int, str]:
    """Read a file; return its bytes and their MD5 in hexadecimal."""
    # Neither through a link that was put there, nor waiting for the other end of a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        made = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return file.tell(), made.hexdigest()
