# SPDX-License-Identifier: Apache-2.0
"""What of whom is masked, for whom, and how that looks: the one place that decides it. Whatever
the console shows, searches, copies or writes of a session goes through here on its way from the
engine. Pure: it knows no widget and asks nobody.

Where nothing said where a session belongs, its labels are a patient's name and number, and its
headers are as the sender made them: for everybody, until they are revealed. To those who only
watch, this holds for every session, and nothing reveals it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NewType

from console.views import glyphs
from console.views.arrivals import Arrival
from engine.model.changes import Change, SessionChanges
from engine.model.comparison import ComparedSide, Comparison, Version
from engine.model.contents import (
    FileEntry,
    FoldedHeader,
    HeaderRow,
    RowKind,
    SessionContents,
    Timeline,
    TrashedSession,
)
from engine.model.contradictions import Alternative, Contradiction
from engine.model.findings import Finding
from engine.model.prearchive import LogEntry, PrearchiveQuery, PrearchiveSession
from engine.model.routing import Route, TraceStep

ShownSession = NewType("ShownSession", PrearchiveSession)
"""A session as it may be shown: what draws one takes no other."""

ShownTrash = NewType("ShownTrash", TrashedSession)
"""A deleted session as it may be shown."""

_SHORTEST = 3
"""Characters of a piece of a label that may be a name of its own."""

_SUFFIX = ".dcm"

_NO_VALUE = re.compile(r"‹(\w\w )?[\d,]+( values)?›")

_RENAMED = re.compile(r"\b(label|subject) [^;]*? -> [^;]*")
"""How the log tells of other labels: those before are known from nowhere else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Masks:
    """What is masked now."""

    watching: bool = False
    """For somebody who only watches."""
    revealed: bool = False
    """Labels are revealed for a moment."""

    def hides(self, one: PrearchiveSession | TrashedSession) -> bool:
        """Whether it is masked who the patient of a session is."""
        return self.watching or (one.project is None and not self.revealed)

    def session(self, one: PrearchiveSession) -> ShownSession:
        """Return a session as it may be shown."""
        if not self.hides(one):
            return ShownSession(one)
        reason = _unnamed(one.reason, one)
        masked = replace(
            one, label=glyphs.MASK, subject=glyphs.MASK, folder=glyphs.MASK, reason=reason
        )
        return ShownSession(masked)

    def trashed(self, one: TrashedSession) -> ShownTrash:
        """Return a deleted session as it may be shown."""
        if not self.hides(one):
            return ShownTrash(one)
        return ShownTrash(replace(one, label=glyphs.MASK, subject=glyphs.MASK))

    def text(self, text: str, of: PrearchiveSession) -> str:
        """Return what was said of a session, without its labels."""
        return _unnamed(text, of) if self.hides(of) else text

    def log(self, log: Sequence[LogEntry], of: PrearchiveSession) -> tuple[LogEntry, ...]:
        """Return the log of a session."""
        return tuple(replace(one, text=self.text(one.text, of)) for one in log)

    def arrival(self, one: Arrival) -> Arrival:
        """Return a row of the live screen."""
        session, transfer, said = one.session, one.transfer, one.said
        if transfer is not None:
            transfer = replace(transfer, series=self._described(transfer.series, session))
        if session is not None:
            session, said = self.session(session), self.text(said, session)
        return replace(one, session=session, transfer=transfer, said=said)

    def contents(self, contents: SessionContents, of: PrearchiveSession) -> SessionContents:
        """Return the scans of a session."""
        if not self.hides(of):
            return contents
        scans = (
            replace(
                one,
                series_description=self._described(one.series_description, of),
                type=self._described(one.type, of),
            )
            for one in contents.scans
        )
        warnings = (_unnamed(line, of) for line in contents.warnings)
        return replace(contents, scans=tuple(scans), warnings=tuple(warnings))

    def timeline(self, timeline: Timeline, of: PrearchiveSession) -> Timeline:
        """Return how a session came together."""
        if not self.hides(of):
            return timeline
        series = (
            replace(one, description=self._described(one.description, of))
            for one in timeline.series
        )
        return replace(timeline, series=tuple(series), moves=self.log(timeline.moves, of))

    def route(self, route: Route, of: PrearchiveSession) -> Route:
        """Return how a session was routed."""
        if not self.hides(of):
            return route
        return replace(
            route,
            subject=None if route.subject is None else glyphs.MASK,
            session=glyphs.MASK,
            trace=tuple(_step(one) for one in route.trace),
            moves=self.log(route.moves, of),
            before=None if route.before is None else self.route(route.before, of),
        )

    def header(self, header: FoldedHeader, of: PrearchiveSession) -> FoldedHeader:
        """Return a header of a session's files."""
        if not self.hides(of):
            return header
        rows = tuple(_row(one, of) for one in header.rows)
        unread = tuple(_unnamed(line, of) for line in header.unread)
        return replace(header, rows=rows, unread=unread)

    def changes(
        self, told: SessionChanges, of: PrearchiveSession, *, originals: bool
    ) -> SessionChanges:
        """Return what scripts have changed, or would change; `originals` where what was there
        before is what the scanner sent, which is shown only while it is revealed."""
        hides = self.hides(of)
        before, after = hides or (originals and not self.revealed), hides
        rows = tuple(
            replace(
                one,
                change=_unvalued(one.change, before=before, after=after),
                odd=_unnamed_files(one.odd) if hides else one.odd,
            )
            for one in told.rows
        )
        if not hides:
            return replace(told, rows=rows)
        failures = tuple(replace(one, odd=_unnamed_files(one.odd)) for one in told.failures)
        return replace(told, rows=rows, odd=_unnamed_files(told.odd), failures=failures)

    def compared(
        self,
        found: Comparison,
        left: PrearchiveSession | None,
        right: PrearchiveSession | None,
    ) -> Comparison:
        """Return what differs between two sessions, None for one that is filed. What the scanner
        sent is told by kind and length until it is revealed."""
        rows = tuple(
            replace(
                one,
                left=one.left and self._side(one.left, left, found.left),
                right=one.right and self._side(one.right, right, found.right),
            )
            for one in found.rows
        )
        return replace(found, rows=rows)

    def _side(self, row: HeaderRow, of: PrearchiveSession | None, side: ComparedSide) -> HeaderRow:
        if of is not None and self.hides(of):
            row = _row(row, of)
        if side.part.version is not Version.RECEIVED or self.revealed:
            return row
        values = tuple(replace(one, text=_kind_and_length(one.text, row.vr)) for one in row.values)
        return replace(row, values=values)

    def finding(self, one: Finding, of: PrearchiveSession) -> Finding:
        """Return a finding, of a session that nobody has assigned without its value."""
        return replace(one, value=_read(one.value)) if self.hides(of) else one

    def file(self, file: FileEntry, of: PrearchiveSession) -> FileEntry:
        """Return a file of a session. Its name may hold any value of its header, not only what the
        labels are made of: the UID of the object stands for all of it."""
        if not self.hides(of):
            return file
        folder, slash, name = file.path.rpartition("/")
        suffix = name[-len(_SUFFIX) :] if name.lower().endswith(_SUFFIX) else ""
        masked = f"{_unnamed(folder, of)}{slash}{file.uid or glyphs.MASK}{suffix}"
        return replace(file, path=masked, resource=_unnamed(file.resource, of))

    def contradictions(
        self, found: Sequence[Contradiction], of: PrearchiveSession
    ) -> tuple[Contradiction, ...]:
        """Return what contradicts itself in a session."""
        if not self.hides(of):
            return tuple(found)
        return tuple(
            replace(one, alternatives=tuple(_nobody(each) for each in one.alternatives))
            for one in found
        )

    def query(self, query: PrearchiveQuery) -> PrearchiveQuery:
        """Return a question for a list in which nothing is found or ordered by what is masked."""
        return replace(query, masked=not self.revealed)

    def _described(self, text: str, of: PrearchiveSession | None) -> str:
        """Return what scanner and people have written of a scan: nothing of it for a wall."""
        if self.watching:
            return ""
        return text if of is None else self.text(text, of)


LASTING = Masks()
"""For what may stay open for longer than anything is revealed: questions, the palette."""


def _nobody(one: Alternative) -> Alternative:
    return replace(
        one,
        name=glyphs.MASK if one.name else "",
        sex=glyphs.MASK if one.sex else "",
        birth_date=glyphs.MASK if one.birth_date else "",
        patient_id=glyphs.MASK if one.patient_id else "",
        subject=glyphs.MASK if one.subject else "",
    )


def _read(text: str) -> str:
    """Stand for a text that was read from a header."""
    letters = "character" if len(text) == 1 else "characters"
    return f"‹{len(text)} {letters}›" if text else ""


def _step(step: TraceStep) -> TraceStep:
    # Whatever the value is called: rules read any element, and comments hold several things.
    found = None if step.found is None else _read(step.found)
    return replace(step, saw=_read(step.saw), found=found)


def _row(row: HeaderRow, of: PrearchiveSession) -> HeaderRow:
    def shown(text: str) -> str:
        if row.identifying and row.kind is RowKind.ELEMENT:
            return f"‹{row.vr} {len(text)}›" if text else ""
        return _unnamed(text, of)

    values = tuple(replace(one, text=shown(one.text)) for one in row.values)
    return replace(row, values=values, creator=_unnamed(row.creator, of))


def _unvalued(change: Change, *, before: bool, after: bool) -> Change:
    was = _kind_and_length(change.before, change.vr) if before else change.before
    now = _kind_and_length(change.after, change.vr) if after else change.after
    return replace(change, before=was, after=now)


def _unnamed_files(files: tuple[str, ...]) -> tuple[str, ...]:
    """Return files without what they are called: a name may hold any value of a header."""
    return tuple(glyphs.MASK for file in files)


def _kind_and_length(text: str, vr: str) -> str:
    # What the engine does not tell, and the number of different values, is no value.
    if not text or _NO_VALUE.fullmatch(text):
        return text
    return f"‹{vr} {len(text)}›" if vr else f"‹{len(text)}›"


def _unnamed(text: str, of: PrearchiveSession) -> str:
    if not text:
        return text
    text = _RENAMED.sub(rf"\1 {glyphs.MASK} -> {glyphs.MASK}", text)
    names = _names((of.folder, of.label, of.subject or ""))
    return names.sub(glyphs.MASK, text) if names is not None else text


@lru_cache(maxsize=256)
def _names(labels: tuple[str, ...]) -> re.Pattern[str] | None:
    """Find labels as they were before signs were cleaned out of them (`DOE^JANE`), and what they
    are made of (`Jane Doe`)."""
    pieces = [re.findall(r"[^\W_]+", label) for label in labels]
    wanted = {r"[\W_]*".join(map(re.escape, words)) for words in pieces if words}
    wanted |= {re.escape(word) for words in pieces for word in words if _is_name(word)}
    if not wanted:
        return None
    longest = sorted(wanted, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(longest)})(?![^\W_])", re.IGNORECASE)


def _is_name(word: str) -> bool:
    # If the header holds nothing at all, a session is called `dicom_upload`.
    return len(word) >= _SHORTEST and word.lower() not in ("dicom", "upload")
