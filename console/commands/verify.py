# SPDX-License-Identifier: Apache-2.0
"""`anteroom archive verify`: compare the files of archived sessions with their catalogs."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json
from console.commands.output import ProgressLine, columns_of, say, say_faults, say_json, size
from engine.model.measures import say_count
from engine.model.verification import FaultCounts, Verification
from engine.service.api import EngineApi

WAIT = 1.0
"""Seconds between two pictures of how far it is."""
WINDOW = 500

_SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%)?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How many sessions a run verifies: a number of them, or a part of all."""

    number: float
    percent: bool

    def of(self, total: int) -> int:
        """Return how many that are."""
        wanted = total * self.number / 100 if self.percent else self.number
        return min(total, math.ceil(wanted))


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a run has found so far."""

    sessions: int = 0
    files: int = 0
    bytes: int = 0
    undigested: int = 0
    counts: FaultCounts = field(default_factory=FaultCounts)
    wrong: list[Verification] = field(default_factory=list)

    def add(self, one: Verification) -> None:
        """Count a session in."""
        self.sessions += 1
        self.files += one.files
        self.bytes += one.bytes
        self.undigested += one.undigested
        self.counts = self.counts.plus(one.faults.counts)
        if one.faults.counts.total:
            self.wrong.append(one)


def add_to(filed: typer.Typer) -> None:
    """Add the command to the noun of filed sessions."""
    asks(filed, "verify")(verify)


async def verify(
    engine: EngineApi,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="Accession IDs, or labels with --project"),
    ] = None,
    project: Annotated[str, typer.Option("--project", metavar="PROJECT")] = "",
    every: Annotated[bool, typer.Option("--all", help="All sessions of the archive.")] = False,
    share: Annotated[
        str,
        typer.Option(
            "--share",
            metavar="N%|N",
            help="So many sessions, the least recently verified first: run again and again it "
            "goes round the whole archive.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare the files of filed sessions with their catalogs: exit code 1 where a file is missing,
    changed or a stray, or a catalog is damaged."""
    if (bool(ids), every, bool(share)).count(True) != 1:
        raise typer.BadParameter("name sessions, or give --all, or --share")
    wanted = read_share(share) if share else None
    tally = Tally()
    with ProgressLine() as line:
        async for accession in _chosen(engine, ids or (), project, wanted):
            one = await _verified(engine, accession, line, tally)
            tally.add(one)
            if one.faults.counts.total and not as_json:
                line.wipe()
                say(f"{one.accession}: {one.faults.counts}")
                say_faults(one.accession, one.faults)
    if as_json:
        say_json(columns_of(tally))
    else:
        _say_end(tally)
    if tally.counts.total:
        raise typer.Exit(FAILED)


def read_share(text: str) -> Share:
    """Read `5%` or `200`."""
    match = _SHARE.fullmatch(text.strip())
    number = float(match[1]) if match else 0.0
    percent = bool(match and match[2])
    if number <= 0 or (percent and number > 100) or (not percent and number != int(number)):
        raise typer.BadParameter("a share is a number of sessions, as 200, or a part, as 5%")
    return Share(number=number, percent=percent)


async def _chosen(
    engine: EngineApi, ids: list[str] | tuple[()], project: str, share: Share | None
) -> AsyncIterator[str]:
    """Yield the sessions that were named, or those that are due, window by window."""
    for id in ids:
        yield (await engine.archive.show(id, project)).accession
    if ids:
        return
    start = datetime.now(UTC)
    left: int | None = None
    before: tuple[str, ...] = ()
    while left is None or left > 0:
        due = await engine.archive.due(start, WINDOW)
        # With a clock that was set back the same ones would be due for ever.
        fresh = [one for one in due.accessions if one not in before]
        if left is None:
            left = share.of(due.total) if share is not None else due.total
        if not fresh:
            return
        before = due.accessions
        for accession in fresh[:left]:
            yield accession
        left -= len(fresh[:left])


async def _verified(
    engine: EngineApi, accession: str, line: ProgressLine, tally: Tally
) -> Verification:
    state = await engine.archive.verify(accession, wait=WAIT)
    while not state.done:
        line.show(
            f"{accession}: {state.files} of {state.of_files} files, "
            f"{size(state.bytes)} of {size(state.of_bytes)}; "
            f"{say_count(tally.sessions, 'session')} done"
        )
        state = await engine.archive.verify(accession, run=state.run, wait=WAIT)
    return state


def _say_end(tally: Tally) -> None:
    told = f"{say_count(tally.sessions, 'session')}, {say_count(tally.files, 'file')}, "
    told += f"{size(tally.bytes)}, verified"
    if not tally.counts.total:
        say(f"{told}: all as it should be")
    else:
        say(f"{told}: {tally.counts} in {say_count(len(tally.wrong), 'session')}")
    if tally.undigested:
        count = say_count(tally.undigested, "file")
        say(f"of {count} the catalogs hold no digest: only presence and size were looked at")
