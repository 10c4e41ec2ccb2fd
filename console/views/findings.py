# SPDX-License-Identifier: Apache-2.0
"""Findings of a session: rows, all of one, and the question to who acknowledges them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from console.views import figures
from console.views.question import Answers, Question, reason
from console.views.rows import Row, TableColumn
from engine.model.findings import Finding, Findings, Level

COLUMNS = (
    TableColumn(title="  Level", width=9),
    TableColumn(title="Where", width=13, priority=2),
    TableColumn(title="What", width=17),
    TableColumn(title="Scan", width=5, priority=3),
    TableColumn(title="Files", width=7, right=True, priority=4),
    TableColumn(title="Value", width=16, priority=1),
    TableColumn(title="Why", width=22, grows=True),
)
EXPORTED = (
    *("key", "level", "kind", "path", "name", "scans", "files", "left", "value", "cause"),
    *("mended by", "acknowledged by", "reason"),
)

_TONES = {Level.HIGH: "bad", Level.MEDIUM: "look", Level.LOW: "plain"}


def row(one: Finding) -> Row:
    """Show one finding: open ones with a sign, what is mended or acknowledged muted."""
    sign, why = _sign(one)
    settled = not one.is_open
    return Row(
        key=one.key,
        cells=(
            f"{sign} {one.level.value}",
            one.path.rpartition("(")[2].rstrip(")"),
            one.name or "?",
            _scans(one.scans),
            figures.grouped(one.files),
            one.value,
            why,
        ),
        tone="dim" if settled else _TONES[one.level],
        tones=tuple((place, "dim") for place in range(1, 7)) if settled else ((6, "dim"),),
    )


def said(found: Findings) -> str:
    """Say how many findings stand how."""
    if found.looked is None:
        return ""
    open = sum(one.is_open for one in found.rows)
    mended = sum(not one.left for one in found.rows)
    known = sum(one.acknowledged is not None and one.left > 0 for one in found.rows)
    pieces = [f"{figures.grouped(open)} open"]
    if mended:
        pieces.append(f"{figures.grouped(mended)} mended by To come")
    if known:
        pieces.append(f"{figures.grouped(known)} acknowledged")
    return " · ".join(pieces)


def empty(found: Findings | None) -> str:
    """Say why there is no row."""
    if found is None or found.looked is None:
        return "not looked through yet: that is done once it is built"
    many = figures.plural(found.files, "file")
    return f"nothing was found in {many}; that is no proof that nothing is there"


def card(one: Finding) -> list[tuple[str, str]]:
    """Tell all of one finding, for reading."""
    lines = [
        ("Level", f"{one.level.value}, {one.kind.value}"),
        ("Place", f"{one.path} {one.name}".strip()),
        ("Why", one.cause),
        ("Value", one.value),
        ("Scans", ", ".join(one.scans)),
        ("Files", f"{figures.grouped(one.files)} now, {figures.grouped(one.left)} after To come"),
        ("Mended by", str(one.mended_by) if one.mended_by is not None else ""),
        ("A line for it", one.remedy),
    ]
    if one.acknowledged is not None:
        when = figures.moment(one.acknowledged)[:16]
        lines.append(("Acknowledged", f"by {one.acknowledged_by}, {when}: {one.reason}"))
    return [line for line in lines if line[1]]


def question(id: str, chosen: Sequence[Finding]) -> Question:
    """Ask why findings are none; of those that are acknowledged whether they are opened again."""
    again = all(one.acknowledged is not None for one in chosen)
    keys = [one.key for one in chosen]
    verb = "reopen" if again else "acknowledge"
    first = chosen[0]
    what = f"{first.name or first.path}: {first.cause}"
    if len(chosen) > 1:
        what = figures.plural(len(chosen), "finding")

    def command(given: Answers) -> str:
        words = ["anteroom", "findings", verb, id, *keys]
        return shlex.join([*words, *(["--reason", given["reason"]] if given["reason"] else [])])

    return Question(
        title="Open a finding again" if again else "Say that a finding is none",
        act="Open it again" if again else "Acknowledge",
        says=(
            what,
            "It stands in the audit trail, with the reason, for ever."
            if again
            else "It is open again when other values come. The reason stays for ever.",
        ),
        fields=(reason(needed=not again),),
        command=command,
    )


def exported(one: Finding) -> tuple[str, ...]:
    """Return a finding as a row of a file."""
    return (
        one.key,
        one.level.value,
        one.kind.value,
        one.path,
        one.name,
        " ".join(one.scans),
        str(one.files),
        str(one.left),
        one.value,
        one.cause,
        str(one.mended_by) if one.mended_by is not None else "",
        one.acknowledged_by,
        one.reason,
    )


def in_list(findings: int | None, level: str) -> tuple[str, str]:
    """Return what a list of sessions says of findings, with its tone."""
    if findings is None:
        return "–", "dim"
    if not findings:
        return "0", "plain"
    return f"!{findings}" if level == Level.HIGH else str(findings), (
        "bad" if level == Level.HIGH else "look" if level == Level.MEDIUM else "plain"
    )


def _sign(one: Finding) -> tuple[str, str]:
    if one.acknowledged is not None and one.left:
        return "✓", f"{one.acknowledged_by}: {one.reason}"
    if one.mended_by is not None:
        return "·", f"{one.mended_by} mends it"
    if not one.left:
        return "·", "gone after To come"
    return "!", one.cause


def _scans(scans: Collection[str]) -> str:
    return next(iter(scans)) if len(scans) == 1 else f"{len(scans)} ×" if scans else ""
