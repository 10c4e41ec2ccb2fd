# SPDX-License-Identifier: Apache-2.0
"""The places of the files of a session, and moving files there (intake contract 4.3, 5.4). Nothing
is ever overwritten, and after a kill at any moment every file has at least one name that the next
build finds: a file is linked to its new name before its old name is removed."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.sessions.build.scans import PRIMARY, SECONDARY
from engine.storage.files import write_durably
from engine.storage.folders import make_folders, settle, sync_folder

SCANS = "SCANS"
BUILD_LOG = "dcmtoxnat.log"
"""What a build has left out of the document, a line each; only there when it left out something."""
LABELS = (PRIMARY, SECONDARY)
CATALOG = re.compile(r"scan_.*_catalog\.xml", re.DOTALL)
_MOVING = ".moving"
"""Ending of a name that a file bears while two files change places."""

_LONGEST = 200
"""Characters of a name, so that there is room for a number and for stepping aside."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")

Checkpoint = Callable[[], None]
"""Called before every change of the file system. What it raises ends the build; nothing is lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The files of a session at one moment, as paths relative to its folder."""

    files: tuple[str, ...]
    strange: tuple[str, ...]
    """Links, devices and the like, which are left alone."""

    again: tuple[str, ...]
    """Second names of listed files: what a killed build leaves between link and unlink."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """The results of moving files."""

    placed: Mapping[str, str]
    """Old path -> path now."""

    missing: frozenset[str]
    """Old paths of files that vanished meanwhile."""


def list_files(folder: Path) -> Listing:
    """List the objects under `SCANS/*/{DICOM,secondary}`, hidden files and catalogs excluded."""
    names: list[str] = []
    strange: list[str] = []
    again: list[str] = []
    several: dict[tuple[int, int], str] = {}
    for scan in _folders(folder / SCANS):
        for label in LABELS:
            for entry in _walk(scan / label):
                path = PurePosixPath(Path(entry.path).relative_to(folder)).as_posix()
                if not entry.is_file(follow_symlinks=False):
                    strange.append(path)
                    continue
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink > 1:
                    first = several.setdefault((status.st_dev, status.st_ino), path)
                    if first != path:
                        again.append(path)
                        continue
                names.append(path)
    return Listing(files=tuple(sorted(names)), strange=tuple(strange), again=tuple(again))


def plan(
    wanted: Mapping[str, str], occupied: Iterable[str], names: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return every file its target; `wanted` maps path -> folder, `names` path -> name for files
    that are to get another one, `occupied` stays where it is."""
    named = names or {}
    taken = {path.lower() for path in occupied}
    targets: dict[str, str] = {}

    def moves(path: str) -> bool:
        return _home(path) != path or _folder(path) != wanted[path] or path in named

    # Files that lie where they belong keep their names; the others make way.
    for path in sorted(wanted, key=lambda path: (moves(path), path)):
        name = _plain(named.get(path) or _base(_home(path)))
        for candidate in _candidates(f"{wanted[path]}/{name}"):
            if candidate.lower() not in taken:
                taken.add(candidate.lower())
                targets[path] = candidate
                break
    return targets


def named_so(path: str, name: str) -> bool:
    """Tell whether a file has a name, be it with a number: others had it before."""
    stem, dot, ending = _plain(name).rpartition(".")
    pattern = rf"{re.escape(stem)}([-_]\d+)?{re.escape(dot + ending)}"
    return re.fullmatch(pattern, _base(_home(path)), re.IGNORECASE) is not None


def place(folder: Path, targets: Mapping[str, str], checkpoint: Checkpoint) -> Placement:
    """Move files below `folder` to their targets; where another file arrived first, beside it."""
    current = {path: path for path in targets}
    missing: set[str] = set()
    moves = {path: target for path, target in targets.items() if path != target}
    # A file in the way of another steps aside first, so that names can be exchanged.
    wanted = set(moves.values())
    aside = {path: target + _MOVING for path, target in moves.items() if path in wanted}
    for batch in (aside, moves):
        by_folder: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, target in batch.items():
            if path not in missing and current[path] != target:
                by_folder[_folder(target)][path] = target
        for target_folder in sorted(by_folder):
            make_folder(folder, target_folder, checkpoint)
            _place_batch(
                folder, target_folder, by_folder[target_folder], current, missing, checkpoint
            )
    return Placement(
        placed={path: now for path, now in current.items() if path not in missing},
        missing=frozenset(missing),
    )


def drop_second_names(folder: Path, listing: Listing, checkpoint: Checkpoint) -> None:
    """Take away the second names of files, each of which keeps one."""
    # The name that stays may be one that an earlier build has made and could not sync.
    for parent in sorted({_folder(path) for path in listing.files} if listing.again else ()):
        sync_folder(folder / parent)
    for path in listing.again:
        checkpoint()
        (folder / path).unlink(missing_ok=True)


def remove_empty(folder: Path, used: Iterable[str], checkpoint: Checkpoint) -> None:
    """Remove scan folders without files, and catalogs that are left in folders not in `used`."""
    keep = set(used)
    for scan in _folders(folder / SCANS):
        for label in LABELS:
            if f"{SCANS}/{scan.name}/{label}" not in keep:
                _clear(scan / label, checkpoint)
        checkpoint()
        _rmdir(scan)


def write_whole(path: Path, data: bytes, checkpoint: Checkpoint) -> None:
    """Write a file so that it is either the old one or the new one, also after a power loss."""
    checkpoint()
    write_durably(path, data, written=checkpoint)


def make_folder(folder: Path, below: str, checkpoint: Checkpoint) -> None:
    """Make a folder below that of the session and what is missing on the way, durably."""
    checkpoint()
    parts = PurePosixPath(below).parts
    made = not (folder / below).is_dir()
    make_folders(folder, *parts)
    handle = os.open(folder / below, os.O_RDONLY | os.O_DIRECTORY)
    try:
        settle(handle, folder, *parts, made=made)
    finally:
        os.close(handle)


def _place_batch(
    folder: Path,
    target_folder: str,
    batch: Mapping[str, str],
    current: dict[str, str],
    missing: set[str],
    checkpoint: Checkpoint,
) -> None:
    """Link all, make the links durable, unlink all: one sync a folder instead of one a file."""
    linked: dict[str, str] = {}
    for path, target in batch.items():
        checkpoint()
        now = _link(folder, current[path], target)
        if now:
            linked[path] = now
        else:
            missing.add(path)
    sync_folder(folder / target_folder)
    for path, now in linked.items():
        if current[path] != now:
            checkpoint()
            (folder / current[path]).unlink(missing_ok=True)
            current[path] = now


def _link(folder: Path, source: str, target: str) -> str:
    """Link under the first free name; empty when the source is gone."""
    for candidate in _candidates(target):
        try:
            os.link(folder / source, folder / candidate, follow_symlinks=False)
        except FileExistsError:
            try:
                if (folder / source).samefile(folder / candidate):
                    return candidate
            except FileNotFoundError:
                if not (folder / source).exists():
                    return ""
            continue
        except FileNotFoundError:
            if (folder / source).exists():
                raise
            return ""
        return candidate
    raise AssertionError("names never run out")


def _candidates(target: str) -> Iterator[str]:
    yield target
    head, _, name = target.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    number = 2
    while True:
        yield f"{head}/{stem}_{number}{dot}{ending}" if stem else f"{head}/{name}_{number}"
        number += 1


def _home(path: str) -> str:
    """Return the name a file had before it stepped aside."""
    return path.removesuffix(_MOVING)


def _plain(name: str) -> str:
    name = _UNSAFE.sub("_", name)
    if len(name) > _LONGEST:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: _LONGEST - 32]}{dot}{ending[:31]}" if stem else name[:_LONGEST]
    # A leading dot would hide the file, a leading hyphen looks like an option.
    return "_" + name[1:] if name[:1] in (".", "-") else name


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            found = [
                Path(entry.path)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
    except FileNotFoundError:
        return []
    return sorted(found)


def _walk(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif not CATALOG.fullmatch(entry.name):
            yield entry


def _clear(path: Path, checkpoint: Checkpoint) -> None:
    try:
        with os.scandir(path) as entries:
            found = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            _clear(Path(entry.path), checkpoint)
        elif CATALOG.fullmatch(entry.name.removeprefix(".").removesuffix(".tmp")):
            checkpoint()
            Path(entry.path).unlink(missing_ok=True)
    checkpoint()
    _rmdir(path)


def _rmdir(path: Path) -> None:
    # Not empty is no error: a file may just have arrived, or one that could not be read stays.
    try:
        path.rmdir()
    except OSError:
        return
