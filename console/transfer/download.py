# SPDX-License-Identifier: Apache-2.0
"""Downloading an archived session: its files are fetched piece by piece and written as the Unix
user who asks, each under a hidden name until it is whole. Commands and screens use it and show the
progress. Names that come from an engine are not trusted: nothing is written outside the folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from secrets import token_hex

from console.transfer import windows
from engine.model.contents import FileEntry
from engine.model.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from engine.model.verification import Fault, FaultKind
from engine.service.api import EngineApi

PIECE = 4 * 1024 * 1024
"""Bytes that are asked for at once."""
WINDOW = 5_000
AT_ONCE = 4
"""Files that are on their way at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a download is. Sizes are bytes."""

    files: int
    of: int
    bytes: int
    of_bytes: int
    """By what the archive says of its files; what is there already counts as done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """What a download has done. Sizes are bytes."""

    folder: str
    written: int
    kept: int
    """Files that were there already and are the same."""
    bytes: int
    """Of the files that were written."""
    refused: tuple[str, ...] = ()
    """Files that are there already and differ; they are as they were."""
    failed: tuple[str, ...] = ()
    """Files that did not come as the archive's catalogs have them, and catalogs that cannot be
    relied upon, and why; nothing of these files was written."""
    stray: tuple[str, ...] = ()
    """Files that lie in the archive and stand in no catalog, the first of them; none was
    written."""

    @property
    def whole(self) -> bool:
        """Whether all files that the catalogs name are there now."""
        return not self.refused and not self.failed


Watch = Callable[[Progress], None]


async def download(
    engine: EngineApi,
    id: str,
    folder: Path,
    *,
    scans: tuple[str, ...] = (),
    overwrite: bool = False,
    progress: Watch | None = None,
    reason: str = "",
) -> Downloaded:
    """Write the files of a filed session, or of some of its scans, below `folder/{label}`.

    Raises:
        InvalidInput: if there is no such scan.
        Refused: if a name would lead out of the folder.
        Unavailable: if a file cannot be written.
    """
    card = await engine.archive.show(id)
    accession = card.accession
    seen = await engine.archive.contents(accession)
    files = [entry async for entry in _files(engine, accession, scans)]
    root = _below(folder, card.label)
    places = {entry.path: _below(root, *_parts(entry.path)) for entry in files}
    if len(set(places.values())) != len(files):
        raise Refused("two files of the session would have one name")
    await engine.archive.export_begun(accession, len(files), reason)
    transfer = _Transfer(engine, accession, folder, files, overwrite=overwrite, progress=progress)
    await transfer.run(places)
    concerned = [fault for fault in seen.faults.named if _concerns(fault, scans)]
    return transfer.done(
        root,
        damaged=tuple(str(one) for one in concerned if one.kind is FaultKind.DAMAGED),
        stray=tuple(one.path for one in concerned if one.kind is FaultKind.STRAY),
    )


async def _files(
    engine: EngineApi, accession: str, scans: tuple[str, ...]
) -> AsyncIterator[FileEntry]:
    for scan in dict.fromkeys(scans) or ("",):
        found = False
        ask = partial(engine.archive.files, accession, scan)
        async for entry in windows.rows(ask, window=WINDOW):
            found = True
            yield entry
        if scan and not found:
            raise InvalidInput(f"the session has no scan {scan}", hint="look at its scans first")


class _Transfer:
    """The files of one session on their way."""

    def __init__(
        self,
        engine: EngineApi,
        accession: str,
        folder: Path,
        files: list[FileEntry],
        *,
        overwrite: bool,
        progress: Watch | None,
    ) -> None:
        self._engine = engine
        self._accession = accession
        self._folder = folder
        self._files = files
        self._overwrite = overwrite
        self._progress = progress
        self._of_bytes = sum(entry.size for entry in files)
        self._passed = 0
        self._passed_bytes = 0
        self._written = self._kept = self._bytes = 0
        self._refused: list[str] = []
        self._failed: list[str] = []

    async def run(self, places: dict[str, Path]) -> None:
        """Bring all files. Where nothing can be asked or written any more, what came stays."""
        waiting = iter(self._files)

        async def bring() -> None:
            for entry in waiting:
                await self._bring(entry, places[entry.path])

        self._tell()
        tasks = [asyncio.create_task(bring()) for _ in range(min(AT_ONCE, len(self._files)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def done(self, root: Path, damaged: tuple[str, ...], stray: tuple[str, ...]) -> Downloaded:
        """Say what was done."""
        return Downloaded(
            folder=str(root),
            written=self._written,
            kept=self._kept,
            bytes=self._bytes,
            refused=tuple(self._refused),
            failed=(*damaged, *self._failed),
            stray=stray,
        )

    async def _bring(self, entry: FileEntry, place: Path) -> None:
        try:
            if await asyncio.to_thread(os.path.lexists, place):
                if await self._same(entry, place):
                    self._kept += 1
                    self._pass(entry.size)
                    return
                if not self._overwrite:
                    self._refused.append(entry.path)
                    self._pass(entry.size)
                    return
            if entry.fault is FaultKind.MISSING:
                raise NotFound("it is missing in the archive")
            await asyncio.to_thread(_make_folders, self._folder, place.parent)
            await self._fetch(entry, place)
        except (Conflict, NotFound) as error:
            self._failed.append(f"{entry.path}: {error.message}")
            self._pass(0)
            return
        except OSError as error:
            raise Unavailable(
                f"{place} cannot be written: {error.strerror}",
                hint="check disk space and permissions there; complete files are kept",
            ) from error
        self._written += 1
        self._pass(0)

    async def _fetch(self, entry: FileEntry, place: Path) -> None:
        hidden = place.with_name(f".{token_hex(8)}.part")
        digest = hashlib.md5(usedforsecurity=False)
        offset = 0
        file = await asyncio.to_thread(hidden.open, "xb")
        try:
            with file:
                while piece := await self._engine.archive.read(
                    self._accession, entry.path, offset, PIECE
                ):
                    await asyncio.to_thread(file.write, piece)
                    digest.update(piece)
                    offset += len(piece)
                    self._passed_bytes += len(piece)
                    self._tell()
                    if offset > entry.size:
                        break
            if offset != entry.size:
                raise Conflict("its size is not the one that the archive's catalog names")
            if entry.digest and digest.hexdigest() != entry.digest.lower():
                raise Conflict("its digest is not the one that the archive's catalog names")
            await asyncio.to_thread(os.replace, hidden, place)
        finally:
            with suppress(FileNotFoundError):
                hidden.unlink()
        self._bytes += offset

    async def _same(self, entry: FileEntry, place: Path) -> bool:
        """Whether a file is there already, byte for byte as the archive has it."""
        if not await asyncio.to_thread(_is_file_of, place, entry.size):
            return False
        if entry.digest:
            return await asyncio.to_thread(_md5, place) == entry.digest.lower()
        with await asyncio.to_thread(place.open, "rb") as file:
            while ours := await asyncio.to_thread(file.read, PIECE):
                theirs = await self._engine.archive.read(
                    self._accession, entry.path, file.tell() - len(ours), len(ours)
                )
                if ours != theirs:
                    return False
        return True

    def _pass(self, size: int) -> None:
        self._passed += 1
        self._passed_bytes += size
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(
                Progress(
                    files=self._passed,
                    of=len(self._files),
                    bytes=self._passed_bytes,
                    of_bytes=self._of_bytes,
                )
            )


def _concerns(fault: Fault, scans: tuple[str, ...]) -> bool:
    """Whether a fault is about the files that are asked for. Of the session document none is."""
    if not scans:
        return "/" in fault.path or fault.kind is FaultKind.STRAY
    return any(fault.path.startswith(f"SCANS/{scan}/") for scan in scans)


def _parts(path: str) -> tuple[str, ...]:
    """Take a path of the engine apart; refuse one that is none below a folder."""
    if path.startswith("/") or PurePosixPath(path).is_absolute():
        raise Refused("the engine names a file that would lie outside the folder")
    return tuple(path.split("/"))


def _below(folder: Path, *parts: str) -> Path:
    """Return a place below a folder; refuse names that would lead elsewhere."""
    for part in parts:
        # A name with a leading dot would also hide the files.
        if not part or part.startswith(".") or any(bad in part for bad in ("/", "\\", "\0")):
            raise Refused("the engine names a file that would lie outside the folder")
    return folder.joinpath(*parts)


def _make_folders(folder: Path, place: Path) -> None:
    """Make what is missing below the folder; refuse to write through a link that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    way = folder
    for part in place.relative_to(folder).parts:
        way /= part
        with suppress(FileExistsError):
            way.mkdir()
        if way.is_symlink() or not way.is_dir():
            raise Refused(f"{way} is in the way: it is not a folder")


def _is_file_of(place: Path, size: int) -> bool:
    status = place.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def _md5(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
