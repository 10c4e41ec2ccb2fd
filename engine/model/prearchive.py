# SPDX-License-Identifier: Apache-2.0
"""Prearchive sessions as clients see them, and the result of an act on several of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.model.errors import EngineError, Outage
from engine.model.filters import Condition
from engine.model.identifiers import PrearchiveId
from engine.model.measures import say_count
from engine.model.states import Status

UNASSIGNED = "Unassigned"
"""What stands for no project, in addresses and in filters."""

OF_THE_PATIENT = (
    "labels of what is Unassigned come from the patient's name and ID, where no rule gave others"
)
"""What is said before such a session goes to a project, and its labels with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrearchiveSession:
    """One prearchive session. Times are aware, sizes are bytes."""

    id: PrearchiveId
    project: str | None
    timestamp: str
    folder: str
    label: str
    subject: str | None
    tag: str
    """The Study Instance UID as received."""
    status: Status
    locked: bool
    reason: str
    autoarchive: bool | None
    prevent_anon: bool
    prevent_auto_commit: bool
    source: str
    visit: str
    protocol: str
    timezone: str
    scan_date: str
    scan_time: str
    uploaded: datetime
    lastmod: datetime
    last_object: datetime
    receiver: str
    calling: str
    session_type: str
    modality: str
    scans: int
    objects: int
    bytes: int
    contradictions: int = 0
    """How many a person has to decide before it can be archived."""
    belongs_to: str = ""
    """The accession ID of the archived session of the same received study; empty where there is
    none."""
    duplicates: int = 0
    """How many objects that came for it that archived session holds already."""
    cut_short: str = ""
    """How the transfer ended that broke off while it fed the session, until somebody has looked at
    it; empty where none has."""
    arriving: int = 0
    """How many series have been seen of it as objects came."""
    missing: int | None = None
    """How many objects these lack: instance numbers in gaps, and what the sender has stated and is
    still to come; None where that is not known."""
    assigned: str = ""
    """Who is to look at it; empty where nobody was named."""
    reviewed_by: str = ""
    """Who has reviewed what stands there now; empty where nobody has."""
    reviewed: datetime | None = None
    noted: bool = False
    """Whether somebody has left a note on it."""
    due: datetime | None = None
    """Until when somebody is to decide on it; None where it waits for nobody, or has no goal."""
    findings: int | None = None
    """How many findings are open; None where it was not looked through yet."""
    findings_level: str = ""
    """The highest of them: `high`, `medium` or `low`; empty for none."""

    @property
    def url(self) -> str:
        """The address of the session as XNAT's clients write it."""
        return f"/prearchive/projects/{self.project or UNASSIGNED}/{self.timestamp}/{self.folder}"

    @property
    def late(self) -> str:
        """Say to which archived session it belongs, and what of it is new; empty where to none."""
        if not self.belongs_to:
            return ""
        again = say_count(self.duplicates, "duplicate")
        return f"belongs to {self.belongs_to}: {self.objects} new, {again}"

    @property
    def shown_status(self) -> str:
        """The status as XNAT shows it: with a leading underscore while a job owns the session."""
        return f"_{self.status.value}" if self.locked else self.status.value


@dataclass(frozen=True, kw_only=True, slots=True)
class PrearchiveQuery:
    """Which prearchive sessions to list. Empty fields match everything."""

    project: str | None = None
    """A project ID, or `Unassigned`."""
    status: tuple[Status, ...] = ()
    label: str = ""
    subject: str = ""
    tag: str = ""
    text: str = ""
    """Found anywhere in label, subject, project, folder or id, without regard to case."""
    where: tuple[Condition, ...] = ()
    """Further conditions, on the fields of `PREARCHIVE_FIELDS`; all of them hold."""
    sort: str = "last_object"
    descending: bool = True
    masked: bool = False
    """The labels of sessions without a project are not known to who asks: nothing is found by them,
    and sorted by a label these sessions stand together, as if they had none."""


_OF_LABELS = frozenset({"session", "subject", "tag", "date"})


def names_labels(query: PrearchiveQuery) -> bool:
    """Say whether a query finds or orders sessions by what may tell who the patient is."""
    return bool(
        query.label
        or query.subject
        or query.tag
        or query.text
        or query.sort in ("label", "subject", "folder", "tag", "scan_date")
        or any(each.field in _OF_LABELS for each in query.where)
    )


PREARCHIVE_FIELDS = frozenset(
    {
        "age",
        "assigned",
        "date",
        "from",
        "id",
        "images",
        "late",
        "mine",
        "noted",
        "overdue",
        "project",
        "receiver",
        "reviewed",
        "session",
        "size",
        "status",
        "subject",
        "tag",
        "type",
    }
)
"""What a condition may be on. `age` is since the last object (`age<7d`: s, m, h, d, w), `size` is
bytes (`size>1G`: K, M, G), `from` the calling AE title, `type` the modality, `date` the scan date
(`date:2026-09`, `date>2026-09-01`, the day included), `status` a status, its beginning, or one of
`problem` (ERROR, CONFLICT), `busy` (queued or at work), `receiving`. `assigned` is a login or
`none`; `late`, `mine`, `noted`, `overdue` and `reviewed` are yes or no. In a text `*` is
anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrearchivePage:
    """A window of prearchive sessions and how many there are in all."""

    rows: tuple[PrearchiveSession, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ActOutcome:
    """What an act did for one session."""

    id: str
    done: bool
    job: str = ""
    """The job that goes on with it, where it is long."""
    message: str = ""
    """Why it was refused, or what was done; a sentence without patient data."""

    @classmethod
    def refused(cls, id: str, error: EngineError) -> ActOutcome:
        """Say why nothing was done for a session; of an outage the way out as well."""
        way_out = f": {error.hint}" if isinstance(error, Outage) else ""
        return cls(id=id, done=False, message=error.message + way_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEntry:
    """One line of a session's log."""

    id: str
    at: datetime
    text: str
