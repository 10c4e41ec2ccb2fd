# SPDX-License-Identifier: Apache-2.0
"""The contents of a session in the prearchive or the archive: its files, their headers merged into
one, and when they arrived. Values are those of the files and may identify a patient: they are for
users who may see the session, never for logs or the permanent audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.archive import ScanSummary
from engine.model.prearchive import LogEntry
from engine.model.verification import FaultKind, Faults


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionContents:
    """The scans of a prearchive session."""

    scans: tuple[ScanSummary, ...]
    built: bool
    """False while no build has described the session: scans are then the folders that there are."""
    warnings: tuple[str, ...] = ()
    """What the build left out and why; names elements and counts, never values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FiledContents:
    """What a filed session holds by its catalogs. Sizes are bytes."""

    scans: tuple[ScanSummary, ...]
    files: int
    bytes: int
    faults: Faults
    """What a look at names and sizes finds to be wrong; no file was read for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """One file of a session. Sizes are bytes."""

    path: str
    """Below the session's folder, with forward slashes; names the file in other questions."""
    scan: str
    """Empty for files of the session itself."""
    resource: str
    size: int
    uid: str = ""
    """SOP Instance UID; empty where it is not known or the file is not DICOM."""
    instance_number: str = ""
    digest: str = ""
    """MD5 in hexadecimal; empty where none was taken."""
    fault: FaultKind | None = None
    """What is seen to be wrong with it, by name and size, where a catalog tells of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePage:
    """A window of files and how many there are in all."""

    rows: tuple[FileEntry, ...]
    total: int


class RowKind(StrEnum):
    """The kind of a row of a header."""

    ELEMENT = "element"
    SEQUENCE = "sequence"
    ITEM = "item"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedValue:
    """One value, and the number of files that have it."""

    text: str
    """Cut at `LONGEST_VALUE` characters; binary values say their size instead."""
    files: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderRow:
    """One element, sequence or item, over all files that were folded."""

    path: str
    """`(0008,1140)[1].(0008,1155)`; only one row of a header has it."""
    tag: str
    """`(0008,1155)`; empty for an item."""
    kind: RowKind
    depth: int
    """0 for the data set itself; an item is one deeper than its sequence, its elements again."""
    vr: str = ""
    name: str = ""
    """Keyword; empty where neither the standard nor the private dictionaries know it."""
    creator: str = ""
    """Who owns a private element."""
    values: tuple[FoldedValue, ...] = ()
    """The most frequent first, at most `MOST_VALUES`."""
    distinct: int = 0
    """How many different values there are."""
    files: int = 0
    """In how many files it stands."""
    length: int = 0
    """Bytes of the longest value."""
    identifying: bool = False
    """Whether it, or what it stands in, says who the patient is."""


LONGEST_VALUE = 2048
MOST_VALUES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedHeader:
    """The headers of one or many files as one: what is alike in all of them, and what is not."""

    rows: tuple[HeaderRow, ...]
    files: int
    """How many files were read."""
    unread: tuple[str, ...] = ()
    """Files that could not be read and why, the first few; without values."""
    transfer_syntaxes: tuple[FoldedValue, ...] = ()
    total: int = 0
    """How many files there are; more than `files` where only a sample was read."""
    cut: int = 0
    """Rows that were left out because there were too many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one transfer brought to a session."""

    transfer: str
    calling: str
    peer: str
    receiver: str
    opened: datetime
    closed: datetime | None
    ended: str
    objects: int
    """Objects of it that the session holds."""
    duplicates: int = 0
    account: str = ""
    """The account of its receiver."""
    certificate: str = ""
    """The subject of the certificate that its sender has shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesArrival:
    """When the objects of one scan came."""

    scan: str
    description: str
    first: datetime
    last: datetime
    objects: int
    counts: tuple[int, ...]
    """Objects in each of `ARRIVAL_STEPS` equal steps from `Timeline.first` to `Timeline.last`."""
    missing: int = 0
    """Instance numbers between the lowest and the highest that no object has; until the session is
    built also what the sender has stated and not sent yet."""


ARRIVAL_STEPS = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """How a prearchive session came together."""

    first: datetime | None
    last: datetime | None
    contributions: tuple[Contribution, ...]
    """Oldest first."""
    series: tuple[SeriesArrival, ...]
    moves: tuple[LogEntry, ...] = ()
    """That somebody has moved or relabelled it, the oldest first; the times of arrivals stay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """What is left of a prearchive session that was removed for good; nothing brings it back."""

    id: str
    project: str | None
    objects: int
    bytes: int
    deleted: datetime | None
    """When it came into the trash; None where its record could not be read any more."""
    by: str
    """Who deleted it."""
    gone: datetime
    gone_by: str
    """Who removed it: `engine` where it had been kept for as long as it should."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TrashedSession:
    """A deleted prearchive session that can still be put back. Sizes are bytes."""

    id: str
    project: str | None
    label: str
    subject: str | None
    objects: int
    bytes: int
    deleted: datetime
    until: datetime
    """When it goes for good."""
    by: str = ""
    """Who deleted it, where that is known."""
