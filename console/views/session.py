# SPDX-License-Identifier: Apache-2.0
"""What the session screen says of a session beside its scans: its status, what can be done, and the
warnings of the build. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.views import figures, prearchive
from console.views.masking import ShownSession
from console.views.rows import UNASSIGNED
from engine.model.contents import SessionContents
from engine.model.prearchive import LogEntry


def about(
    session: ShownSession,
    contents: SessionContents | None,
    log: Sequence[LogEntry],
    said: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, str]]:
    """Return the lines as (name, value), with what people have `said` of it; an empty name goes
    over the width."""
    lines = [("Status", prearchive.state(session)[0]), *said]
    if session.cut_short:
        lines.append(("Cut short", f"{session.cut_short}; seen now"))
    if session.reason:
        lines.append(("Reason", session.reason))
    if session.late:
        lines.append(("Late", session.late))
    lines += [
        ("Next", prearchive.next_step(session)),
        ("Built", _built(log, contents)),
    ]
    warnings = contents.warnings if contents is not None else ()
    if warnings:
        lines.append(("Warnings", figures.grouped(len(warnings))))
        lines += [("", f"! {line}") for line in warnings]
    if contents is not None:
        scans = figures.plural(len(contents.scans), "scan")
        lines.append(("Totals", f"{scans}, {figures.plural(session.objects, 'object')}"))
    lines += [
        ("Session", session.label),
        ("Belongs", place(session)),
        ("On disk", figures.size(session.bytes)),
        ("Scanned", f"{session.scan_date} {session.scan_time}".strip() or "–"),
        ("Arrived", f"{figures.moment(session.uploaded)} from {session.calling or '–'}"),
        ("Last", figures.moment(session.last_object)),
        ("Folder", session.timestamp),
        ("Id", session.id),
    ]
    return lines


def place(session: ShownSession) -> str:
    """Say where a session belongs."""
    return f"{session.project or UNASSIGNED} / {session.subject or '–'}"


def _built(log: Sequence[LogEntry], contents: SessionContents | None) -> str:
    if contents is not None and not contents.built:
        return "not yet: these are the folders that there are"
    entry = next((one for one in reversed(log) if one.text.startswith("built")), None)
    return figures.moment(entry.at) if entry is not None else "–"
