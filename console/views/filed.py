# SPDX-License-Identifier: Apache-2.0
"""How an archived session is shown: its row, its status as a sign and a word, its card, its history
and its document, and what is exported of it. Pure: nothing here knows a widget's state."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size

from console.views import figures
from console.views.rows import Row, TableColumn
from console.views.text import plain_text
from engine.model.archive import (
    HistoryEntry,
    ScanSummary,
    SessionCard,
    SessionStatus,
    SessionSummary,
)
from engine.model.configured import Applied, Step
from engine.model.contents import FileEntry, FoldedHeader, RowKind

COLUMNS = (
    TableColumn(title="Status", width=12, sort="status"),
    TableColumn(title="Project", width=8, priority=4, sort="project"),
    TableColumn(title="Subject", width=9, priority=2, sort="subject"),
    TableColumn(title="Session", width=12, grows=True, sort="label"),
    TableColumn(title="Accession", width=15, priority=3, sort="accession"),
    TableColumn(title="Date", width=10, priority=1, sort="date", falling=True),
    TableColumn(title="Sc", width=3, right=True, priority=7),
    TableColumn(title="Files", width=6, right=True, priority=5, sort="files", falling=True),
    TableColumn(title="Type", width=4, priority=6, sort="modality"),
    TableColumn(title="Size", width=6, right=True, priority=8, sort="bytes", falling=True),
    TableColumn(title="Scanner", width=10, priority=9, sort="scanner"),
    TableColumn(title="Added", width=16, priority=10, sort="added", falling=True),
)

HISTORY_COLUMNS = (
    TableColumn(title="When", width=19),
    TableColumn(title="Who", width=12),
    TableColumn(title="What", width=15),
    TableColumn(title="Before", width=10, grows=True),
)

DOCUMENT_COLUMNS = (
    TableColumn(title="Line", width=5, right=True),
    TableColumn(title="Document", width=20, grows=True),
)

EXPORTED = (
    *("accession", "status", "project", "subject", "session", "date", "scans", "files", "bytes"),
    *("type", "scanner", "description", "added", "by"),
)
"""The titles of what is written of a session to a file."""

EXPORTED_TITLES = {
    "files": ("path", "scan", "resource", "number", "bytes", "uid", "md5"),
    "header": ("path", "name", "vr", "value", "values", "files"),
    "history": ("when", "who", "what", "before"),
    "scans": ("scan", "type", "description", "modality", "quality", "files", "bytes", "uid"),
}
"""The titles of what is written of the parts of a session, by the name of the list."""

STATES = {
    SessionStatus.ACTIVE: ("● active", "plain"),
    SessionStatus.QUARANTINE: ("◐ quarantine", "look"),
    SessionStatus.LOCKED: ("▪ locked", "plain"),
    SessionStatus.OBSOLETE: ("○ obsolete", "dim"),
}

SCANS_SHOWN = 30
"""Scans that a card names."""


def row(session: SessionSummary) -> Row:
    """Show one session in the list."""
    shown, tone = STATES[session.status]
    return Row(
        key=session.accession,
        tone=tone,
        cells=(
            shown,
            session.project,
            session.subject,
            session.label,
            session.accession,
            session.date or "–",
            figures.grouped(session.scans),
            figures.grouped(session.files),
            session.modality,
            figures.size(session.bytes),
            session.scanner,
            figures.moment(session.added)[:16],
        ),
    )


def exported(session: SessionSummary) -> tuple[str, ...]:
    """Return what is written of a session to a file: what the list shows, for programs to read."""
    return (
        session.accession,
        session.status.value,
        session.project,
        session.subject,
        session.label,
        session.date,
        str(session.scans),
        str(session.files),
        str(session.bytes),
        session.modality,
        session.scanner,
        session.description,
        session.added.isoformat(timespec="seconds"),
        session.added_by,
    )


def names(session: SessionSummary | SessionCard) -> tuple[tuple[str, str], ...]:
    """Return what a session is known by, as (title, text): to be copied."""
    return (
        ("accession", session.accession),
        ("label", session.label),
        ("subject", session.subject),
        ("address", f"/data/experiments/{session.accession}"),
        ("command", f"anteroom archive show {session.accession}"),
    )


def card(session: SessionCard) -> list[tuple[str, str]]:
    """Return the lines of a session's card as (name, value); an empty name goes over the width."""
    lines = [
        ("Accession", session.accession),
        ("Status", STATES[session.status][0]),
        ("Added", f"{figures.moment(session.added)[:16]} ({session.added_by})"),
        ("Date", session.date or "–"),
        ("Time", session.time),
        ("Scanner", _scanner(session)),
        ("Site", session.acquisition_site),
        ("Subject", session.subject),
        ("Gender", session.gender),
        ("Hand", session.handedness),
        ("Age", session.age),
        ("Project", session.project),
        ("Type", session.modality),
        ("About", session.description),
        ("Size", f"{figures.size(session.bytes)}, {figures.plural(session.files, 'file')}"),
        ("Verified", _verified(session)),
        *_reviewed(session),
        ("Came as", session.origin),
    ]
    shown = [(name, value) for name, value in lines if value]
    shown += [("", ""), ("", _scan_line("Scan", "Type", "files", "quality"))]
    shown += [("", _scan(one)) for one in session.scans[:SCANS_SHOWN]]
    if (more := len(session.scans) - SCANS_SHOWN) > 0:
        shown.append(("", f"     … {more} more"))
    return shown


def _reviewed(session: SessionCard) -> list[tuple[str, str]]:
    if session.reviewed is None:
        return []
    return [("Reviewed", f"{figures.moment(session.reviewed)[:16]}, {session.reviewed_by}")]


def _verified(session: SessionCard) -> str:
    if session.verified is None:
        return "never"
    return f"{figures.moment(session.verified.at)[:16]}, {session.verified.counts}"


def exported_file(file: FileEntry) -> tuple[str, ...]:
    """Return what is written of a file to a file."""
    return (
        file.path,
        file.scan,
        file.resource,
        file.instance_number,
        str(file.size),
        file.uid,
        file.digest,
    )


def exported_header(header: FoldedHeader) -> list[tuple[str, ...]]:
    """Return what is written of a header to a file: each element with its most frequent value."""
    return [
        (
            one.path,
            one.name,
            one.vr,
            one.values[0].text if one.values else "",
            str(one.distinct),
            str(one.files),
        )
        for one in header.rows
        if one.kind is RowKind.ELEMENT
    ]


def exported_scan(scan: ScanSummary) -> tuple[str, ...]:
    """Return what is written of a scan to a file."""
    return (
        scan.id,
        scan.type,
        scan.series_description,
        scan.modality,
        scan.quality,
        str(scan.files),
        str(scan.bytes),
        scan.uid,
    )


def history_rows(entries: Sequence[HistoryEntry]) -> list[Row]:
    """Show the changes of a session, the newest first, each with what stood there before."""
    return [
        Row(
            key=str(place),
            cells=(
                figures.moment(one.at),
                one.actor,
                one.change,
                (f"“{one.reason}”  " if one.reason else "") + before(entries, place),
            ),
        )
        for place, one in reversed(list(enumerate(entries)))
    ]


def version_rows(applied: Sequence[Applied]) -> list[Row]:
    """Show which rules, scripts and settings applied to a session, below its changes."""
    return [
        Row(
            key=f"{one.step} {one.kind} {one.name} {one.version}",
            tone="dim",
            cells=(
                figures.moment(one.at),
                "",
                "at receipt" if one.step is Step.RECEIVED else "at filing",
                f"{one.name} = {one.version}"
                if one.kind == "setting"
                else f"{one.kind} {one.name} v{one.version}",
            ),
        )
        for one in applied
    ]


def before(entries: Sequence[HistoryEntry], place: int) -> str:
    """Say what a change has replaced: the values that the next state no longer had."""
    was = entries[place].before
    if not was:
        return "nothing: it was new"
    after = next((one.before for one in entries[place + 1 :] if one.before), None)
    if after is None:
        return _values(was)
    changed = {name: value for name, value in was.items() if after.get(name) != value}
    return _values(changed) or "the same values"


def document_rows(document: str) -> list[Row]:
    """Show a session document line by line."""
    return [
        Row(key=str(number), cells=(str(number), line))
        for number, line in enumerate(document.splitlines(), 1)
    ]


def _values(values: dict[str, object]) -> str:
    return "  ".join(f"{name} {value}" for name, value in values.items() if value not in ("", None))


def _scanner(session: SessionCard) -> str:
    made = " ".join(one for one in (session.manufacturer, session.model) if one)
    return ", ".join(one for one in (session.scanner, made) if one)


def _scan(scan: ScanSummary) -> str:
    described = scan.type or scan.series_description or scan.modality or "–"
    quality = "quest." if scan.quality == "questionable" else scan.quality
    return _scan_line(scan.id, described, figures.grouped(scan.files), quality)


def _scan_line(id: str, described: str, files: str, quality: str) -> str:
    number, words = plain_text(id, 6), plain_text(described, 13)
    return f"{number:>6} {set_cell_size(words, 13)} {files:>5} {plain_text(quality, 8)}".rstrip()
