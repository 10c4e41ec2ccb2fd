# SPDX-License-Identifier: Apache-2.0
"""How a session came together, as rows: what each transfer brought, when the objects of each scan
arrived, and what the log says. Pure: the width of the bars is an argument."""

from __future__ import annotations

from collections.abc import Sequence

from console.views import figures, glyphs
from console.views.rows import Row, TableColumn
from engine.model.contents import Contribution, SeriesArrival, Timeline
from engine.model.live import broke_off
from engine.model.prearchive import LogEntry

COLUMNS = (
    TableColumn(title="", width=16),
    TableColumn(title="Objects", width=7, right=True, live=True),
    TableColumn(title="First", width=8),
    TableColumn(title="Last", width=8),
    TableColumn(title="Missing", width=7, right=True, priority=1),
    TableColumn(title="", width=12, grows=True),
)

LOG_COLUMNS = (
    TableColumn(title="When", width=19),
    TableColumn(title="What happened", width=30, grows=True),
)

REASON = "reason"
"""The key of the row that says why a session stands as it does."""

NONE = "·"
"""Stands for a step in which nothing came."""


def rows(timeline: Timeline, log: Sequence[LogEntry], bars: int) -> list[Row]:
    """Show transfers, series and states; `bars` are the cells for the arrivals of a series."""
    shown = [_head("transfers", "Transfers", "how each ended")]
    shown += [_transfer(number, one) for number, one in enumerate(timeline.contributions)]
    if not timeline.contributions:
        shown.append(_note("transfers.none", "no transfer is known"))
    span = ""
    if timeline.first is not None and timeline.last is not None:
        seconds = int((timeline.last - timeline.first).total_seconds())
        begun, ended = figures.clock(timeline.first), figures.clock(timeline.last)
        span = f"{begun} to {ended}, {figures.span(seconds)}"
    shown.append(_head("series", "Scans", span))
    shown += [_series(one, bars) for one in timeline.series]
    if not timeline.series:
        shown.append(_note("series.none", "no object has come"))
    shown.append(_head("states", "States", ""))
    shown += [
        Row(key=f"state.{one.id}", cells=("", "", figures.clock(one.at), "", "", one.text))
        for one in log
    ]
    if not log:
        shown.append(_note("states.none", "nothing was logged"))
    return shown


def log_rows(log: Sequence[LogEntry], reason: str) -> list[Row]:
    """Show the entries of a log, the newest first, and on top why the session stands as it does."""
    shown = [Row(key=one.id, cells=(figures.moment(one.at), one.text)) for one in reversed(log)]
    if reason:
        shown.insert(
            0, Row(key=REASON, cells=("reason", reason), tone="look", tones=((1, "look"),))
        )
    return shown


def squeezed(counts: Sequence[int], width: int) -> list[int]:
    """Join neighbours until all counts fit into a width."""
    each = max(1, -(-len(counts) // max(1, width)))
    return [sum(counts[start : start + each]) for start in range(0, len(counts), each)]


def arrivals(counts: Sequence[int], width: int) -> str:
    """Draw counts as bars, so that steps in which nothing came are seen."""
    shown = squeezed(counts, width)
    bars = glyphs.sparkline([float(one) for one in shown], len(shown))
    return "".join(bar if one else NONE for bar, one in zip(bars, shown, strict=True))


def _transfer(number: int, one: Contribution) -> Row:
    told = one.ended or "open"
    if one.duplicates:
        told += f", {figures.plural(one.duplicates, 'duplicate')}"
    if one.peer or one.receiver:
        told += f", {one.peer or '–'} → {one.receiver or '–'}"
    if one.certificate:
        told += f", certificate: {one.certificate}"
    if one.account:
        told += f", for {one.account}"
    closed = figures.clock(one.closed) if one.closed is not None else "open"
    return Row(
        key=f"transfer.{number}.{one.transfer}",
        cells=(
            one.calling,
            figures.grouped(one.objects),
            figures.clock(one.opened),
            closed,
            "",
            told,
        ),
        tones=((5, "look"),) if broke_off(one.ended) else (),
    )


def _series(one: SeriesArrival, bars: int) -> Row:
    return Row(
        key=f"series.{one.scan}",
        cells=(
            f"{one.scan} {one.description}".strip(),
            figures.grouped(one.objects),
            figures.clock(one.first),
            figures.clock(one.last),
            figures.grouped(one.missing) if one.missing else "",
            arrivals(one.counts, bars),
        ),
        tones=((4, "look"), (5, "good")),
    )


def _head(key: str, title: str, text: str) -> Row:
    return Row(key=key, cells=(title, "", "", "", "", text), tone="dim", tones=((5, "dim"),))


def _note(key: str, text: str) -> Row:
    return Row(key=key, cells=("", "", "", "", "", text), tones=((5, "dim"),))
