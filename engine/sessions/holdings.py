# SPDX-License-Identifier: Apache-2.0
"""The contents of a filed session according to its document and its catalogs, whatever is in its
folder: the resources, and their files as lists. The folder is compared with them in `verification`.
The functions read whole sessions and run in other processes; they raise `FileNotFoundError` if the
folder does not exist."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.model.contents import FileEntry, FilePage
from engine.model.errors import NotFound
from engine.model.imaging import CatalogEntry, ResourceDocument, SessionDocument
from engine.model.verification import Fault, FaultKind
from engine.sessions.build.document import read_session
from engine.sessions.build.entries import read_entries
from engine.sessions.build.layout import LABELS, SCANS
from engine.sessions.build.markup import MarkupError
from engine.sessions.contents import RESOURCES, told

_MARKED = 1_000
"""Entries between two places of a catalog from which reading can go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A resource as the session document describes it."""

    scan: str
    """Empty for one of the session itself."""
    label: str
    path: str
    """Below the session's folder."""
    catalog: str
    files: int
    bytes: int

    @property
    def catalog_path(self) -> str:
        """The catalog, below the session's folder."""
        return f"{self.path}/{self.catalog}"


def read_filed(document: str) -> SessionDocument | None:
    """Read the session document that the database keeps; None where it cannot be read."""
    try:
        return read_session(document.encode())
    except MarkupError:
        return None


def holdings(session: SessionDocument | None) -> tuple[Holding, ...]:
    """Return the resources of a session, in the order of its document."""
    if session is None:
        return ()
    kept = [
        _holding(scan.id, f"{SCANS}/{scan.id}", resource)
        for scan in session.scans
        for resource in scan.resources
    ]
    kept += [_holding("", RESOURCES, resource) for resource in session.resources]
    return tuple(kept)


def page(folder: Path, document: str, scan: str, offset: int, limit: int) -> FilePage:
    """Return a window of the files that the catalogs of a scan, or of all, name. A catalog that
    cannot be read names none; `look` tells of it."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    total = 0
    rows: list[FileEntry] = []
    for holding in holdings(read_filed(document)):
        if scan not in ("", holding.scan):
            continue
        catalog = folder / holding.catalog_path
        marks = _marks_of(catalog)
        start = max(0, offset - total)
        wanted = min(offset + limit - total, marks.count) - start
        if wanted > 0:
            rows += (_told(folder, holding, entry) for entry in marks.some(catalog, start, wanted))
        total += marks.count
    return FilePage(rows=tuple(rows), total=total)


def listed_objects(folder: Path, document: str, scan: str = "") -> list[str]:
    """Return the objects that the catalogs of a scan, or of all, name, as paths below the folder.

    Raises:
        NotFound: if there is no such scan.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    kept = [each for each in holdings(read_filed(document)) if each.scan]
    kept = [each for each in kept if scan in ("", each.scan)]
    if scan and not kept:
        raise NotFound("there is no such scan in the session", hint="look at its contents")
    paths: list[str] = []
    for holding in kept:
        if holding.label in LABELS:
            with suppress(OSError, MarkupError):
                for _, entry in read_entries(folder / holding.catalog_path):
                    if is_below(entry.uri):
                        paths.append(f"{holding.path}/{entry.uri}")
    return paths


def fault_of(place: Path, holding: Holding, entry: CatalogEntry) -> Fault | None:
    """Look at one file by name and size."""
    kind, detail = FaultKind.CHANGED, ""
    try:
        status = os.lstat(f"{place}/{entry.uri}")
    except (FileNotFoundError, NotADirectoryError):
        kind = FaultKind.MISSING
    except OSError as error:
        detail = f"it cannot be looked at: {error.strerror}"
    else:
        if not stat.S_ISREG(status.st_mode):
            detail = "it is not a regular file"
        elif entry.size in (0, status.st_size):
            return None
        else:
            detail = f"it has {status.st_size} bytes, and the catalog names {entry.size}"
    return Fault(kind=kind, path=told(f"{holding.path}/{entry.uri}"), detail=detail)


def is_below(uri: str) -> bool:
    """Whether an entry names a file below the folder of its catalog."""
    return bool(uri) and "\0" not in uri and not {"", ".", ".."}.intersection(uri.split("/"))


def _holding(scan: str, parent: str, resource: ResourceDocument) -> Holding:
    return Holding(
        scan=scan,
        label=resource.label,
        path=f"{parent}/{resource.label}",
        catalog=resource.catalog,
        files=resource.file_count,
        bytes=resource.file_size,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Marks:
    """How many entries a catalog has, and the places of every `_MARKED`th of them."""

    count: int = 0
    bytes: tuple[int, ...] = ()

    def some(self, catalog: Path, start: int, wanted: int) -> Iterator[CatalogEntry]:
        """Yield so many entries from a number on."""
        mark = start // _MARKED
        number = mark * _MARKED
        with suppress(OSError, MarkupError):
            for _, entry in read_entries(catalog, self.bytes[mark]):
                if number >= start + wanted:
                    return
                if number >= start:
                    yield entry
                number += 1


def _marks_of(catalog: Path) -> _Marks:
    try:
        status = catalog.stat()
        return _marks(catalog, status.st_mtime_ns, status.st_size)
    except (OSError, MarkupError):
        return _Marks()


@lru_cache(maxsize=256)
def _marks(catalog: Path, _changed: int, _size: int) -> _Marks:
    """Go through a catalog once; window after window is asked for of a large one. It is gone
    through again when it has been written anew."""
    count = 0
    marks = []
    for byte, _ in read_entries(catalog):
        if count % _MARKED == 0:
            marks.append(byte)
        count += 1
    return _Marks(count=count, bytes=tuple(marks))


def _told(folder: Path, holding: Holding, entry: CatalogEntry) -> FileEntry:
    sound = is_below(entry.uri)
    fault = fault_of(folder / holding.path, holding, entry) if sound else None
    size = entry.size
    if not size and fault is None and sound:
        with suppress(OSError):
            size = (folder / holding.path / entry.uri).lstat().st_size
    return FileEntry(
        path=told(f"{holding.path}/{entry.uri}"),
        scan=told(holding.scan),
        resource=told(holding.label),
        size=size,
        uid=entry.uid,
        instance_number=entry.instance_number,
        digest=entry.digest,
        fault=fault.kind if fault is not None else None if sound else FaultKind.DAMAGED,
    )
