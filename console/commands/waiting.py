# SPDX-License-Identifier: Apache-2.0
"""How a command waits for the work that it has asked for, and reports how it ended: it looks at the
session whenever the engine has news, until no job holds the session any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from console.commands.asking import FAILED
from console.commands.output import ProgressLine, say, say_json
from engine.model.errors import NotFound
from engine.model.prearchive import ActOutcome, PrearchiveSession
from engine.model.states import QUEUED, WORKING, Status, Verb
from engine.service.api import EngineApi

Wait = Annotated[bool, typer.Option(help="Wait until the work is done.")]

PATIENCE: Final = 5.0
"""Seconds after which a session is looked at again without news."""

_GONE = {Verb.ARCHIVE: "archived", Verb.DELETE: "deleted"}
_STAYS = {
    Verb.MOVE: "moved",
    Verb.RELABEL: "relabelled",
    Verb.RESOLVE: "decided",
    Verb.REBUILD: "built",
    Verb.RESTORE: "restored",
}
_BUSY = QUEUED | WORKING


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How an act on one session ended."""

    id: str
    done: bool
    status: str = ""
    """The session's status now; empty when it has left the prearchive."""
    accession: str = ""
    """What it is called in the archive."""
    job: str = ""
    message: str = ""

    @classmethod
    def of(cls, outcome: ActOutcome) -> Ending:
        """Take the answer of the engine as the end."""
        return cls(id=outcome.id, done=outcome.done, job=outcome.job, message=outcome.message)


async def end(
    engine: EngineApi,
    verb: Verb,
    outcomes: Sequence[ActOutcome],
    wait: bool,
    as_json: bool,
    before: Mapping[str, PrearchiveSession] | None = None,
) -> None:
    """Wait for the end of each act where that is wanted, say how it was, and exit accordingly."""
    endings = (
        await follow(engine, verb, outcomes, before or {})
        if wait
        else [Ending.of(outcome) for outcome in outcomes]
    )
    say_ends(endings, as_json, otherwise=verb)


def say_ends(
    ends: Sequence[Ending] | Sequence[ActOutcome], as_json: bool, otherwise: str = ""
) -> None:
    """Say how acts have ended, and exit accordingly; `otherwise` stands for no message."""
    if as_json:
        say_json(ends)
    else:
        for one in ends:
            say(f"{one.id}: {one.message or otherwise}")
    if not all(one.done for one in ends):
        raise typer.Exit(FAILED)


async def follow(
    engine: EngineApi,
    verb: Verb,
    outcomes: Sequence[ActOutcome],
    before: Mapping[str, PrearchiveSession],
) -> list[Ending]:
    """Wait for the end of each act; what was refused or is not long has ended already."""
    news = await engine.events.after("", 0)
    endings: list[Ending] = []
    with ProgressLine() as progress:
        for outcome in outcomes:
            while True:
                row = await _look(engine, outcome)
                if row is None or not (row.locked or row.status in _BUSY):
                    break
                done = f"{len(endings)} of {len(outcomes)} done"
                progress.show(f"{done}, {row.shown_status.lower()}")
                news = await engine.events.after(news.epoch, news.last, PATIENCE)
            endings.append(await _ending(engine, verb, outcome, row, before.get(outcome.id)))
    return endings


async def _look(engine: EngineApi, outcome: ActOutcome) -> PrearchiveSession | None:
    if not outcome.done or not outcome.job:
        return None
    try:
        return await engine.prearchive.show(outcome.id)
    except NotFound:
        return None


async def _ending(
    engine: EngineApi,
    verb: Verb,
    outcome: ActOutcome,
    row: PrearchiveSession | None,
    before: PrearchiveSession | None,
) -> Ending:
    if not outcome.done or not outcome.job:
        return Ending.of(outcome)
    if row is None:
        accession = await _accession(engine, before) if verb is Verb.ARCHIVE else ""
        message = _GONE.get(verb, "has left the prearchive")
        return Ending(
            id=outcome.id,
            done=verb in _GONE,
            accession=accession,
            job=outcome.job,
            message=f"{message} as {accession}" if accession else message,
        )
    bad = row.status in (Status.ERROR, Status.CONFLICT)
    # A session that could not be built before its deletion is restored all the same.
    done = verb in _STAYS and (not bad or verb is Verb.RESTORE)
    failed = f"{verb} failed" if bad else f"not {_GONE.get(verb, 'done')}"
    said = _STAYS[verb] if done else failed
    reason = f": {row.reason}" if row.reason and (bad or not done) else ""
    return Ending(
        id=outcome.id,
        done=done,
        status=row.shown_status,
        job=outcome.job,
        message=f"{said}, {row.shown_status}{reason}",
    )


async def _accession(engine: EngineApi, before: PrearchiveSession | None) -> str:
    if before is None or before.project is None:
        return ""
    try:
        card = await engine.archive.show(before.label, before.project)
    except NotFound:
        return ""
    return card.accession if card.origin in ("", before.id) else ""
