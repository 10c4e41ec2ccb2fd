"""How a session of the prearchive is shown: its row, its state in a sign and a word, and its card.
Pure: the time of day is an argument, and nothing here knows a widget's state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from console import figures, glyphs
from console.acts import UNASSIGNED
from console.widgets.rows import Row, TableColumn
from engine.model.prearchive import LogEntry, PrearchiveSession
from engine.model.states import QUEUED, WORKING, Status

COLUMNS = (
    TableColumn(title="Status", width=14, sort="status"),
    TableColumn(title="Project", width=10, priority=1, sort="project"),
    TableColumn(title="Subject", width=10, priority=3, sort="subject"),
    TableColumn(title="Session", width=14, grows=True, sort="label"),
    TableColumn(title="Date", width=5, priority=6, sort="scan_date", falling=True),
    TableColumn(title="Last", width=5, right=True, priority=2, sort="last_object", falling=True),
    TableColumn(
        title="Images", width=7, right=True, priority=4, sort="objects", falling=True, live=True
    ),
    TableColumn(title="Size", width=5, right=True, priority=7, sort="bytes", falling=True),
    TableColumn(title="From", width=9, priority=8, sort="calling"),
)

_RENAMED = re.compile(r"\b(label|subject) [^;]*? -> [^;]*")
"""How the log tells of other labels: those before are known from nowhere else."""

_SHOWN = {
    Status.RECEIVING: ("◐ receiving", "plain"),
    Status.RECEIVING_INTERRUPT: ("◐ receiving+", "plain"),
    Status.READY: ("● ready", "good"),
    Status.CONFLICT: ("≠ conflict", "look"),
    Status.ERROR: ("✗ error", "bad"),
}


def state(session: PrearchiveSession) -> tuple[str, str]:
    """Give the state as sign and word, and its tone."""
    status = session.status
    if status in _SHOWN and not session.locked:
        return _SHOWN[status]
    word = status.value.lower().replace("_interrupt", "+")
    if status in QUEUED:
        return f"◌ q.{word.removeprefix('queued_')}", "plain"
    if session.locked:
        return f"◑ _{word}", "plain"
    return (f"◑ {word}" if status in WORKING else f"▪ {word}"), "plain"


def labels(session: PrearchiveSession, *, masked: bool) -> tuple[str, str]:
    """Give the labels of subject and session. Where nothing said where a session belongs, they are
    a patient's name and number: these are masked."""
    if masked:
        return glyphs.MASK, glyphs.MASK
    return session.subject or "", session.label


def unnamed(text: str, session: PrearchiveSession, *, masked: bool) -> str:
    """Give what was said of a session, without its labels where these are masked."""
    if not masked:
        return text
    text = _RENAMED.sub(rf"\1 {glyphs.MASK} -> {glyphs.MASK}", text)
    for name in filter(None, (session.folder, session.label, session.subject)):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", glyphs.MASK, text)
    return text


def unnamed_log(
    log: Sequence[LogEntry], session: PrearchiveSession, *, masked: bool
) -> tuple[LogEntry, ...]:
    """Give the log of a session, without its labels where these are masked."""
    return tuple(replace(one, text=unnamed(one.text, session, masked=masked)) for one in log)


def row(session: PrearchiveSession, now: datetime, *, masked: bool) -> Row:
    """Show one session in the list."""
    shown, tone = state(session)
    subject, label = labels(session, masked=masked)
    return Row(
        key=session.id,
        tone=tone,
        cells=(
            shown,
            session.project or UNASSIGNED,
            subject,
            label,
            session.scan_date[5:],
            figures.age(now, session.last_object),
            figures.grouped(session.objects),
            figures.size(session.bytes),
            session.calling,
        ),
        tones=() if session.project else ((1, "look"),),
    )


EXPORTED = (
    *("id", "status", "project", "subject", "session", "date", "time", "last object", "images"),
    *("bytes", "type", "from", "receiver"),
)
"""The titles of what is written of a session to a file."""


def exported(session: PrearchiveSession, *, masked: bool) -> tuple[str, ...]:
    """Give what is written of a session to a file: what the list shows, for programs to read."""
    subject, label = labels(session, masked=masked)
    return (
        session.id,
        session.status.value,
        session.project or UNASSIGNED,
        subject,
        label,
        session.scan_date,
        session.scan_time,
        session.last_object.isoformat(timespec="seconds"),
        str(session.objects),
        str(session.bytes),
        session.modality,
        session.calling,
        session.receiver,
    )


def card(
    session: PrearchiveSession, log: Sequence[LogEntry], *, masked: bool, code: int | None = None
) -> list[tuple[str, str]]:
    """Give the lines of a session's card as (name, value); an empty name goes over the width."""
    subject, label = labels(session, masked=masked)
    lines = [
        ("Session", label),
        ("Subject", subject),
        ("Project", session.project or f"{UNASSIGNED}: m gives one"),
        ("Type", _type(session)),
        ("Scanned", f"{session.scan_date} {session.scan_time}".strip() or "–"),
        ("Arrived", f"{figures.moment(session.uploaded)} from {session.calling or '–'}"),
        ("Last", figures.moment(session.last_object)),
        ("Folder", session.timestamp),
        ("Auto", _auto(session, code)),
        ("Id", session.id),
        ("", ""),
    ]
    if session.reason:
        lines += [("Reason", unnamed(session.reason, session, masked=masked)), ("", "")]
    lines += [("Next", next_step(session, label, subject)), ("", "")]
    lines.append(("Log", "" if log else "nothing was logged"))
    told = unnamed_log(log, session, masked=masked)
    lines += [("", f"{figures.clock(one.at)[:5]} {one.text}") for one in reversed(told)]
    return lines


def _type(session: PrearchiveSession) -> str:
    kind = session.modality or "not built yet"
    scans = figures.plural(session.scans, "scan")
    return f"{kind}, {scans}, {figures.size(session.bytes)}"


def _auto(session: PrearchiveSession, code: int | None) -> str:
    if session.autoarchive is None:
        known = {None: "", 0: " (0 waits)", 4: " (4 archives)", 5: " (5 overwrites)"}
        return f"by the project's code{known.get(code, '')}"
    return "yes, by its header" if session.autoarchive else "no, by its header"


def next_step(session: PrearchiveSession, label: str, subject: str) -> str:
    """Say what can be done with a session, and what comes of it."""
    if session.project is None:
        return "m moves it to a project; only then can it be archived"
    match session.status:
        case Status.READY:
            return f"a archives it as {session.project} / {subject or '–'} / {label}"
        case Status.CONFLICT:
            return "i relabels it, or a tries again once the reason is gone"
        case Status.ERROR:
            return "r builds it anew; o tells what happened"
        case Status.RECEIVING | Status.RECEIVING_INTERRUPT:
            return "it is built once nothing more comes; r ends the wait"
        case _:
            return "a job is at work; x takes it out of the queue while it is in it"
