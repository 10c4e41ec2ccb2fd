"""What the session's own screen says of it beside its scans: its state, what can be done, what the
build remarked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console import figures, triaged
from console.acts import UNASSIGNED
from engine.model.contents import SessionContents
from engine.model.prearchive import LogEntry, PrearchiveSession


def about(
    session: PrearchiveSession,
    contents: SessionContents | None,
    log: Sequence[LogEntry],
    *,
    masked: bool,
) -> list[tuple[str, str]]:
    """Give the lines as (name, value); an empty name goes over the width."""
    subject, label = triaged.labels(session, masked=masked)
    lines = [("Status", triaged.state(session)[0])]
    if session.reason:
        lines.append(("Reason", triaged.unnamed(session.reason, session, masked=masked)))
    lines += [
        ("Next", triaged.next_step(session, label, subject)),
        ("Built", _built(log, contents)),
    ]
    warnings = contents.warnings if contents is not None else ()
    if warnings:
        lines.append(("Warnings", figures.grouped(len(warnings))))
        said = (triaged.unnamed(line, session, masked=masked) for line in warnings)
        lines += [("", f"! {line}") for line in said]
    if contents is not None:
        scans = figures.plural(len(contents.scans), "scan")
        lines.append(("Totals", f"{scans}, {figures.plural(session.objects, 'object')}"))
    lines += [
        ("Session", label),
        ("Belongs", place(session, masked=masked)),
        ("On disk", figures.size(session.bytes)),
        ("Scanned", f"{session.scan_date} {session.scan_time}".strip() or "–"),
        ("Arrived", f"{figures.moment(session.uploaded)} from {session.calling or '–'}"),
        ("Last", figures.moment(session.last_object)),
        ("Folder", session.timestamp),
        ("Id", session.id),
    ]
    return lines


def place(session: PrearchiveSession, *, masked: bool) -> str:
    """Say where a session belongs."""
    subject, _ = triaged.labels(session, masked=masked)
    return f"{session.project or UNASSIGNED} / {subject or '–'}"


def _built(log: Sequence[LogEntry], contents: SessionContents | None) -> str:
    if contents is not None and not contents.built:
        return "not yet: these are the folders that there are"
    entry = next((one for one in reversed(log) if one.text.startswith("built")), None)
    return figures.moment(entry.at) if entry is not None else "–"
