# SPDX-License-Identifier: Apache-2.0
"""How a session of the prearchive is shown: its row, its status as a sign and a word, and its card.
Pure: the time of day is an argument, and nothing here knows a widget's state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.views import figures
from console.views.findings import in_list
from console.views.masking import ShownSession
from console.views.rows import UNASSIGNED, Row, TableColumn
from engine.model.prearchive import LogEntry, PrearchiveSession
from engine.model.states import QUEUED, WORKING, Status

COLUMNS = (
    TableColumn(title="Status", width=19, sort="status"),
    TableColumn(title="Project", width=10, priority=1, sort="project"),
    TableColumn(title="Subject", width=10, priority=3, sort="subject"),
    TableColumn(title="Session", width=14, grows=True, sort="label"),
    TableColumn(title="Date", width=5, priority=6, sort="scan_date", falling=True),
    TableColumn(title="Last", width=5, right=True, priority=2, sort="last_object", falling=True),
    TableColumn(
        title="Images", width=7, right=True, priority=4, sort="objects", falling=True, live=True
    ),
    TableColumn(title="PHI", width=4, right=True, priority=3),
    TableColumn(title="Size", width=5, right=True, priority=7, sort="bytes", falling=True),
    TableColumn(title="From", width=9, priority=8, sort="calling"),
    TableColumn(title="For", width=8, priority=9),
)

_SHOWN = {
    Status.RECEIVING: ("◐ receiving", "plain"),
    Status.RECEIVING_INTERRUPT: ("◐ receiving+", "plain"),
    Status.READY: ("● ready", "good"),
    Status.CONFLICT: ("≠ conflict", "look"),
    Status.ERROR: ("✗ error", "bad"),
}


def state(session: PrearchiveSession) -> tuple[str, str]:
    """Return the state as sign and word, and its tone; also that it was cut short, until somebody
    has looked."""
    shown, tone = _state(session)
    if not session.cut_short:
        return shown, tone
    sign, _, word = shown.partition(" ")
    if tone in ("plain", "good"):
        sign, tone = "!", "look"
    return f"{sign} {word}, cut", tone


def _state(session: PrearchiveSession) -> tuple[str, str]:
    status = session.status
    if status is Status.READY and session.belongs_to and not session.locked:
        return "● ready, late", "look"
    if status is Status.READY and session.reviewed is not None and not session.locked:
        return "✓ reviewed", "good"
    if status in _SHOWN and not session.locked:
        return _SHOWN[status]
    word = status.value.lower().replace("_interrupt", "+")
    if status in QUEUED:
        return f"◌ q.{word.removeprefix('queued_')}", "plain"
    if session.locked:
        return f"◑ _{word}", "plain"
    return (f"◑ {word}" if status in WORKING else f"▪ {word}"), "plain"


def is_overdue(session: ShownSession | PrearchiveSession, now: datetime) -> bool:
    """Whether somebody should have decided on a session by now."""
    return session.due is not None and session.due < now


def row(session: ShownSession, now: datetime, *, opened: bool = False) -> Row:
    """Show one session in the list; what is overdue says so, and what others have `opened`."""
    shown, tone = state(session)
    phi, phi_tone = in_list(session.findings, session.findings_level)
    if overdue := is_overdue(session, now):
        shown, tone = f"{shown}, over", "look"
    if opened:
        shown = f"{shown}, open"
    return Row(
        key=session.id,
        tone=tone,
        cells=(
            shown,
            session.project or UNASSIGNED,
            session.subject or "",
            session.label,
            session.scan_date[5:],
            figures.age(now, session.last_object),
            figures.grouped(session.objects),
            phi,
            figures.size(session.bytes),
            session.calling,
            session.assigned,
        ),
        tones=(
            (7, phi_tone),
            *(() if session.project else ((1, "look"),)),
            *(((5, "look"),) if overdue else ()),
        ),
    )


EXPORTED = (
    *("id", "status", "project", "subject", "session", "date", "time", "last object", "images"),
    *("bytes", "type", "from", "receiver", "assigned"),
    *("reviewed by", "cut short", "findings", "highest"),
)
"""The titles of what is written of a session to a file."""


def exported(session: ShownSession) -> tuple[str, ...]:
    """Return what is written of a session to a file: what the list shows, for programs to read."""
    return (
        session.id,
        session.status.value,
        session.project or UNASSIGNED,
        session.subject or "",
        session.label,
        session.scan_date,
        session.scan_time,
        session.last_object.isoformat(timespec="seconds"),
        str(session.objects),
        str(session.bytes),
        session.modality,
        session.calling,
        session.receiver,
        session.assigned,
        session.reviewed_by,
        session.cut_short,
        "" if session.findings is None else str(session.findings),
        session.findings_level,
    )


def card(
    session: ShownSession,
    log: Sequence[LogEntry],
    said: Sequence[tuple[str, str]] = (),
    *,
    code: int | None = None,
) -> list[tuple[str, str]]:
    """Return the lines of a session's card as (name, value), with what people have `said` of it; an
    empty name goes over the width."""
    lines = [
        ("Session", session.label),
        ("Subject", session.subject or ""),
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
    if said:
        lines += [*said, ("", "")]
    if session.cut_short:
        lines += [("Cut short", f"{session.cut_short}; enter opens it"), ("", "")]
    if session.reason:
        lines += [("Reason", session.reason), ("", "")]
    if session.due is not None:
        lines += [("Decide by", figures.moment(session.due)), ("", "")]
    if session.late:
        lines += [("Late", session.late), ("", "")]
    lines += [("Next", next_step(session)), ("", "")]
    lines.append(("Log", "" if log else "nothing was logged"))
    lines += [("", f"{figures.clock(one.at)[:5]} {one.text}") for one in reversed(log)]
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


def next_step(session: ShownSession) -> str:
    """Say what can be done with a session, and what comes of it."""
    if session.contradictions and session.status is Status.CONFLICT:
        return "w shows what contradicts itself, and asks what is kept"
    if session.project is None:
        return "m moves it to a project; only then can it be archived"
    match session.status:
        case Status.READY if session.belongs_to:
            return f"it came after {session.belongs_to} was archived; i gives it a label of its own"
        case Status.READY:
            return (
                f"a archives it as {session.project} / {session.subject or '–'} / {session.label}"
            )
        case Status.CONFLICT:
            return "i relabels it, or a tries again once the reason is gone"
        case Status.ERROR:
            return "r builds it anew; o tells what happened"
        case Status.RECEIVING | Status.RECEIVING_INTERRUPT:
            return "it is built once nothing more comes; r ends the wait"
        case _:
            return "a job is at work; x takes it out of the queue while it is in it"
