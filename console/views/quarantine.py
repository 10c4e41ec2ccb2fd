# SPDX-License-Identifier: Apache-2.0
"""How the states of filed sessions are shown: rows, the card with what a release still needs, the
history, and what is exported. Pure: nothing here knows a widget's state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.views import figures, filed
from console.views.filed import STATES
from console.views.rows import Piece, Row, TableColumn
from engine.model.archive import HistoryEntry, SessionCard, SessionStatus
from engine.model.quarantine import QuarantinedSession, QuarantinePage

COLUMNS = (
    TableColumn(title="State", width=12, sort="status"),
    TableColumn(title="Project", width=8, priority=3, sort="project"),
    TableColumn(title="Session", width=12, grows=True, sort="label"),
    TableColumn(title="Accession", width=15, priority=1, sort="accession"),
    TableColumn(title="Since", width=7, right=True, sort="since", falling=True),
    TableColumn(title="Yes", width=3),
    TableColumn(title="Subject", width=9, priority=2, sort="subject"),
    TableColumn(title="By", width=8, priority=4),
    TableColumn(title="Type", width=4, priority=6),
    TableColumn(title="Date", width=10, priority=5, sort="date", falling=True),
)

EXPORTED = (
    *("accession", "state", "project", "subject", "session", "since", "by", "yes", "people"),
    "agreed",
)
"""The titles of what is written of a session to a file."""


def row(session: QuarantinedSession, now: datetime) -> Row:
    """Show one session in the list."""
    shown, tone = STATES[session.status]
    return Row(
        key=session.accession,
        tone=tone,
        cells=(
            shown,
            session.project,
            session.label,
            session.accession,
            figures.age(now, session.since),
            session.said_yes,
            session.subject,
            session.by,
            session.modality,
            session.date or "–",
        ),
    )


def exported(session: QuarantinedSession) -> tuple[str, ...]:
    """Return what is written of a session to a file."""
    return (
        session.accession,
        session.status.value,
        session.project,
        session.subject,
        session.label,
        session.since.isoformat(timespec="seconds"),
        session.by,
        str(len(session.yes)),
        str(session.people),
        " ".join(one.actor for one in session.yes),
    )


def names(session: QuarantinedSession) -> tuple[tuple[str, str], ...]:
    """Return what a session is known by, as (title, text): to be copied."""
    return (
        ("accession", session.accession),
        ("label", session.label),
        ("address", f"/data/experiments/{session.accession}"),
        ("command", f"anteroom archive history {session.accession}"),
    )


def card(session: QuarantinedSession, found: SessionCard) -> list[tuple[str, str]]:
    """Return the lines of a session's card: what its release needs, then what it is."""
    lines = [("State", STATES[session.status][0])]
    if session.before is not None:
        lines.append(("Before", STATES[session.before][0]))
    lines += [("Since", f"{figures.moment(session.since)[:16]} ({session.by})"), ("", "")]
    if session.status is SessionStatus.QUARANTINE:
        lines += [("", "Release"), *(("", said) for said in _release(session)), ("", "")]
    return lines + [line for line in filed.card(found) if line[0] != "Status"]


def _release(session: QuarantinedSession) -> list[str]:
    said = [
        f"✓ {one.actor}  {figures.moment(one.at)[5:16]}"
        + (f"  “{one.reason}”" if one.reason else "")
        for one in session.yes
    ]
    left = session.people - len(session.yes)
    if session.yes and left > 0:
        said.append(f"◌ one more, not {', '.join(one.actor for one in session.yes)}")
    elif left > 1:
        said.append(f"◌ {left} different people")
    else:
        said.append("◌ one person")
    return said


def history(entries: Sequence[HistoryEntry]) -> list[tuple[str, str]]:
    """Return the lines of a session's history, the newest first."""
    return [
        (
            figures.moment(one.at)[5:16],
            f"{one.actor}  {one.change}" + (f": “{one.reason}”" if one.reason else ""),
        )
        for one in reversed(entries)
    ]


def told(page: QuarantinePage, now: datetime) -> list[Piece]:
    """Say how many are in which state, and since when the first of them waits."""
    waiting = page.counts.get(SessionStatus.QUARANTINE.value, 0)
    pieces: list[Piece] = []
    if waiting and page.oldest is not None:
        verb = "waits" if waiting == 1 else "wait"
        pieces.append((f"{figures.grouped(waiting)} {verb}", "look"))
        pieces.append((f", the oldest {figures.age(now, page.oldest)}", "muted"))
    else:
        pieces.append(("none waits for a release", "muted"))
    for status in (SessionStatus.LOCKED, SessionStatus.OBSOLETE):
        if count := page.counts.get(status.value, 0):
            pieces.append((f" · {figures.grouped(count)} {status.value}", "muted"))
    return pieces
