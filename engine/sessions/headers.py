# SPDX-License-Identifier: Apache-2.0
"""Reads the headers of a session's files into one merged header: which files are read, and how
many. A session may be huge and its files odd or hostile, so both are bounded, and the result says
how many files there are beside those that were read. It runs in other processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from engine.anonymize.profile.identifying import identifies
from engine.dicom.dictionary import parse_tag
from engine.dicom.fold import Fold, Key
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_header
from engine.model.comparison import ComparedRow
from engine.model.contents import FoldedHeader, HeaderRow
from engine.sessions.contents import object_paths, told, within
from engine.sessions.holdings import listed_objects

MOST_FILES = 2_000
"""Files that are read for one answer, evenly spread over those that there are."""
MOST_WORK = 600_000
"""Rows that are read for one answer, over all of its parts: a few seconds."""
MOST_UNREAD = 20
"""Files that are named because they could not be read."""

_PART = 100
"""Files for which a process of its own is worth its while."""
_ODD = 1_500
"""What a file costs that the guarded helper has to read, in rows."""
_UNREAD = 10_000
"""What a file costs that cannot be read: the helper may have waited its time for it."""
_GUARD_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Files of a session; any beginning of the list is spread over all of them."""

    files: tuple[str, ...]
    total: int

    def parts(self, most: int) -> list[tuple[str, ...]]:
        """Divide the files for at most so many processes."""
        count = max(1, min(most, len(self.files) // _PART))
        return [self.files[number::count] for number in range(count)]


@dataclass(slots=True)
class Part:
    """What has been read of some files."""

    fold: Fold = field(default_factory=Fold)
    unread: list[str] = field(default_factory=list)


def sample(folder: Path, scan: str, file: str, document: str = "") -> Sample:
    """Choose what to read of one file, of a scan, or of the whole session: of what lies in the
    folder, or with a session document of what its catalogs name.

    Raises:
        NotFound: if there is no such scan or file.
        Refused: if the path of the file leaves the folder.
    """
    if file:
        within(folder, file)
        return Sample(files=(file,), total=1)
    found = listed_objects(folder, document, scan) if document else object_paths(folder, scan)
    return Sample(files=spread(found, MOST_FILES), total=len(found))


def spread(files: Sequence[str], most: int) -> tuple[str, ...]:
    """Return at most so many, evenly spread, and in an order that is so wherever it is cut off."""
    count = min(len(files), most)
    chosen = [files[number * len(files) // count] for number in range(count)]
    digits = max(1, (count - 1).bit_length())
    order = sorted(range(count), key=lambda number: f"{number:0{digits}b}"[::-1])
    return tuple(chosen[number] for number in order)


def read(folder: Path, files: tuple[str, ...], work: int) -> Part:
    """Fold the headers of files until so many rows have been read; one file is always read."""
    part = Part()
    spent = 0
    for file in files:
        if spent + part.fold.work > work:
            break
        spent += _read(folder, file, part)
    if not folder.is_dir():
        # It was renamed meanwhile: files that seem to have gone are somewhere else.
        raise FileNotFoundError(folder)
    return part


def joined(parts: Sequence[Part], total: int) -> FoldedHeader:
    """Make one header of what the parts have read."""
    whole = one_of(parts)
    return FoldedHeader(
        rows=_marked(whole.fold.rows()),
        files=whole.fold.files,
        unread=tuple(whole.unread),
        transfer_syntaxes=whole.fold.transfer_syntaxes,
        total=total,
        cut=whole.fold.cut,
    )


def one_of(parts: Sequence[Part]) -> Part:
    """Join what the parts have read."""
    first, *others = parts
    for other in others:
        first.fold.join(other.fold)
        first.unread += other.unread
    del first.unread[MOST_UNREAD:]
    return first


def compared(left: Fold, right: Fold) -> tuple[tuple[ComparedRow, ...], int]:
    """Return the elements that differ, and how many are the same; of a sequence that is on one
    side only nothing that stands in it."""
    rows: list[ComparedRow] = []
    same = 0
    alone: Key = ()
    marks = {row.path for fold in (left, right) for row in _marked(fold.rows()) if row.identifying}
    ours, theirs = left.keys(), right.keys()
    for key in sorted(ours | theirs):
        if alone and key[: len(alone)] == alone:
            continue
        if key in ours and key in theirs:
            if left.agrees(right, key):
                same += 1
                continue
        else:
            alone = key
        found = [
            row and replace(row, identifying=row.path in marks)
            for row in (left.row(key), right.row(key))
        ]
        rows.append(ComparedRow(left=found[0], right=found[1]))
    return tuple(rows), same


def _marked(rows: Iterable[HeaderRow]) -> tuple[HeaderRow, ...]:
    """Mark the rows that say who the patient is, with all that stands in them."""
    marked: list[HeaderRow] = []
    # The depth of the row whose contents are being passed; its own depth while there is none.
    inside: int | None = None
    for row in rows:
        if inside is not None and row.depth <= inside:
            inside = None
        says = inside is not None or (bool(row.tag) and identifies(parse_tag(row.tag), row.vr))
        if says and inside is None:
            inside = row.depth
        marked.append(replace(row, identifying=True) if says else row)
    return tuple(marked)


def _read(folder: Path, file: str, part: Part) -> int:
    path = folder / file
    spent = 0
    try:
        try:
            meta, header = read_header(path)
        except Unreadable:
            spent = _ODD
            meta, header = read_header(path, guard=_guard())
    except (HeaderError, Unreadable) as error:
        reason = error.reason
    except FileNotFoundError:
        reason = "it has gone"
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}"
    else:
        part.fold.add(meta, header)
        return spent
    if len(part.unread) < MOST_UNREAD:
        part.unread.append(f"{told(file)}: {reason}")
    return _UNREAD


@cache
def _guard() -> Guard:
    return Guard(seconds=_GUARD_SECONDS)
