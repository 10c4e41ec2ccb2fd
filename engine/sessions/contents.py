# SPDX-License-Identifier: Apache-2.0
"""The contents of a session folder in the prearchive or the archive: scans and files in the folder,
with what document and catalogs say about them. Nothing is changed here. The functions read whole
sessions and run in other processes; they raise `FileNotFoundError` if the folder does not exist."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from engine.model.archive import ScanSummary
from engine.model.contents import FileEntry, FilePage, SessionContents
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.imaging import CatalogEntry, ScanDocument, SessionDocument
from engine.sessions.build.catalog import read_catalog
from engine.sessions.build.document import read_session
from engine.sessions.build.layout import BUILD_LOG, LABELS, SCANS
from engine.sessions.build.scans import scan_order

RESOURCES = "RESOURCES"

_CATALOG = re.compile(r".*_catalog\.xml", re.DOTALL)
_MOST_WARNINGS = 200
_LARGEST_LOG = 256 * 1024
_LARGEST_DOCUMENT = 64 * 1024 * 1024
_UNKNOWN = CatalogEntry(uri="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A folder of files of a scan, or of the session itself."""

    scan: str
    """Empty for one of the session itself."""
    label: str
    path: str
    """Below the session's folder."""


def contents(folder: Path, document: Path) -> SessionContents:
    """Return the scans of a session: those of its document, and those that came after it."""
    found = resources(folder)
    session = read_document(document)
    scans = () if session is None else tuple(described(scan) for scan in session.scans)
    known = {scan.id for scan in scans} | {""}
    others: dict[str, tuple[int, int]] = {}
    for resource in found:
        if resource.scan not in known:
            files, size = others.get(resource.scan, (0, 0))
            for entry in walk(folder / resource.path):
                files += 1
                size += _size(entry)
            others[resource.scan] = (files, size)
    late = (
        ScanSummary(id=told(id), xsi_type="", quality="", files=files, bytes=size)
        for id, (files, size) in others.items()
    )
    return SessionContents(
        scans=(*scans, *late),
        built=session is not None,
        warnings=_warnings(folder / BUILD_LOG),
    )


def read_document(path: Path) -> SessionDocument | None:
    """Read the session document; None where there is none that can be read."""
    try:
        if path.stat().st_size > _LARGEST_DOCUMENT:
            return None
        return read_session(path.read_bytes())
    except (OSError, ValueError):
        return None


def page(folder: Path, scan: str, offset: int, limit: int) -> FilePage:
    """Return a window of the files of a scan, or of all, in the order of scans, resources and
    names."""
    total = 0
    rows: list[FileEntry] = []
    for resource in resources(folder):
        if scan not in ("", resource.scan):
            continue
        entries = list(walk(folder / resource.path))
        # Only those catalogs are read whose files the window shows.
        start = max(0, offset - total)
        shown = entries[start : max(start, offset + limit - total)]
        if shown:
            rows += _told(folder / resource.path, resource, shown)
        total += len(entries)
    return FilePage(rows=tuple(rows), total=total)


def object_paths(folder: Path, scan: str = "") -> list[str]:
    """Return the objects of a scan, or of all, as paths below the folder; nothing is read of them.

    Raises:
        NotFound: if there is no such scan.
    """
    found = [each for each in resources(folder) if each.scan and scan in ("", each.scan)]
    if scan and not found:
        raise NotFound("there is no such scan in the session", hint="look at its contents")
    return [
        os.path.join(resource.path, below(entry, folder / resource.path))
        for resource in found
        if resource.label in LABELS
        for entry in walk(folder / resource.path)
    ]


def scan_of(file: str) -> str:
    """Return the scan in whose folder a file is, by its path below the session's folder; empty for
    one that is in none."""
    parts = file.split("/", 2)
    return parts[1] if parts[0] == SCANS and len(parts) > 2 else ""


def resources(folder: Path) -> tuple[Resource, ...]:
    """Return the resources of a session, in the order of scans and labels."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    scans = sorted(_folders(folder / SCANS), key=scan_order)
    found = [
        Resource(scan=scan, label=label, path=f"{SCANS}/{scan}/{label}")
        for scan in scans
        for label in sorted(_folders(folder / SCANS / scan))
    ]
    found += [
        Resource(scan="", label=label, path=f"{RESOURCES}/{label}")
        for label in sorted(_folders(folder / RESOURCES))
    ]
    return tuple(found)


def catalogs(place: Path) -> list[os.DirEntry[str]]:
    """Return the catalogs in the folder of a resource; one that has been built has one."""
    try:
        with os.scandir(place) as entries:
            found = [
                entry
                for entry in entries
                if _CATALOG.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []
    return sorted(found, key=lambda entry: entry.name)


def within(folder: Path, path: str) -> Path:
    """Return the place of a file of a session by its path below the folder.

    Raises:
        Refused: if the path leaves the folder, also by a link.
        NotFound: if there is no such file.
    """
    pure = PurePosixPath(path)
    if not path or "\0" in path or pure.is_absolute() or ".." in pure.parts:
        raise Refused("a file is named by its path below the session's folder")
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        root = folder.resolve(strict=True)
        place = (root / pure).resolve(strict=True)
    except (OSError, RuntimeError):
        raise NotFound("there is no such file in the session", hint="list its files") from None
    if not place.is_relative_to(root):
        raise Refused("a file is named by its path below the session's folder")
    if not place.is_file():
        raise NotFound("there is no such file in the session", hint="list its files")
    return place


def read_piece(folder: Path, path: str, offset: int, limit: int) -> bytes:
    """Read a piece of a file of a session; fewer bytes than asked for mean its end."""
    if offset < 0 or limit < 0:
        raise InvalidInput("a piece begins at 0 or later and has 0 bytes or more")
    place = within(folder, path)
    try:
        # Not through a link that was put there since.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"the file cannot be read: {error.strerror}") from error
    pieces = []
    try:
        while limit > 0 and (piece := os.pread(handle, limit, offset)):
            pieces.append(piece)
            offset += len(piece)
            limit -= len(piece)
    except (OSError, OverflowError) as error:
        raise NotFound("the file cannot be read there") from error
    finally:
        os.close(handle)
    return b"".join(pieces)


def walk(place: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a resource's folder by name, without catalogs and what is hidden."""
    try:
        with os.scandir(place) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) and not _CATALOG.fullmatch(entry.name):
            yield entry


def below(entry: os.DirEntry[str], place: Path) -> str:
    """Return the path of a file below a folder that it was found in."""
    return entry.path[len(str(place)) + 1 :]


def told(name: str) -> str:
    """Return a name as text that can cross the wire, whatever bytes it was made of."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _told(place: Path, resource: Resource, entries: list[os.DirEntry[str]]) -> Iterator[FileEntry]:
    listed: dict[str, CatalogEntry] = {}
    for catalog in catalogs(place):
        status = catalog.stat(follow_symlinks=False)
        listed |= _listed(Path(catalog.path), status.st_mtime_ns, status.st_size)
    for entry in entries:
        name = below(entry, place)
        known = listed.get(name, _UNKNOWN)
        yield FileEntry(
            path=told(f"{resource.path}/{name}"),
            scan=told(resource.scan),
            resource=told(resource.label),
            size=known.size or _size(entry),
            uid=known.uid,
            instance_number=known.instance_number,
            digest=known.digest,
        )


@lru_cache(maxsize=2)
def _listed(catalog: Path, _changed: int, _size: int) -> dict[str, CatalogEntry]:
    """Return the entries of a catalog by name. Window after window is asked for of a large one; it
    is read again when it has been written anew."""
    try:
        return {entry.uri: entry for entry in read_catalog(catalog.read_bytes()).entries}
    except (OSError, ValueError):
        # The files are there, whatever a catalog says.
        return {}


def described(scan: ScanDocument) -> ScanSummary:
    """Return a scan as its document describes it."""
    return ScanSummary(
        id=scan.id,
        xsi_type=scan.xsi_type,
        uid=scan.uid,
        type=scan.type,
        series_description=scan.series_description,
        modality=scan.modality,
        quality=scan.quality,
        frames=scan.frames,
        files=sum(resource.file_count for resource in scan.resources),
        bytes=sum(resource.file_size for resource in scan.resources),
    )


def _warnings(log: Path) -> tuple[str, ...]:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return tuple(file.read(_LARGEST_LOG).splitlines()[:_MOST_WARNINGS])
    except OSError:
        return ()


def _folders(place: Path) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return [
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
    except OSError:
        return []


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        # It has just been moved; its size is known the next time.
        return 0
