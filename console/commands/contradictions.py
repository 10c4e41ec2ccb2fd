# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive conflict|resolve`: the contradictions in a session, and the user's decision
on them. What is shown may name patients."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.contents import Session
from console.commands.options import Json, Reason
from console.commands.output import Column, say, say_json, say_table
from console.commands.waiting import Wait, end
from engine.model.contradictions import (
    ALL_ONE,
    Alternative,
    Choice,
    Contradiction,
    ContradictionKind,
    Contradictions,
)
from engine.model.errors import InvalidInput
from engine.model.states import Verb
from engine.service.api import EngineApi

Side = tuple[Contradiction, Alternative]

SIDES = (
    Column[Side]("CONFLICT", lambda row: row[0].number, right=True),
    Column[Side]("KEEP", lambda row: row[1].number, right=True),
    Column[Side]("KIND", lambda row: row[0].kind),
    Column[Side]("PATIENT", lambda row: row[1].name),
    Column[Side]("SEX", lambda row: row[1].sex),
    Column[Side]("BORN", lambda row: row[1].birth_date),
    Column[Side]("PATIENT ID", lambda row: row[1].patient_id),
    Column[Side]("SUBJECT", lambda row: row[1].subject),
    Column[Side]("OBJECTS", lambda row: row[1].objects, right=True),
    Column[Side]("SCANS", lambda row: ", ".join(row[1].scans)),
    Column[Side]("FILE", lambda row: row[1].file),
    Column[Side]("FROM", lambda row: row[1].calling),
    Column[Side]("RECEIVED", lambda row: row[1].received),
)

_HOW = {
    ContradictionKind.PATIENT: "--one-patient | --keep N",
    ContradictionKind.OBJECT: "--keep N",
}


def add_to(prearchive: typer.Typer) -> None:
    """Add the commands to the noun."""
    asks(prearchive, "conflict")(conflict)
    asks(prearchive, "resolve")(resolve)


async def conflict(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Show what contradicts itself in a session, side by side: several patients, or several
    objects of one UID. It names patients."""
    id = await engine.prearchive.find(session)
    told = await engine.prearchive.contradictions(id)
    if as_json:
        say_json(told)
        return
    rows = [(one, each) for one in told.found for each in one.alternatives]
    say_table(rows, SIDES, none="nothing in it contradicts itself")
    for one in told.found:
        say(f"{one.number}: {one.reason}")
    if told.found:
        say(f"decide with: anteroom prearchive resolve {id} {_HOW[told.found[0].kind]}")


async def resolve(
    engine: EngineApi,
    session: Session,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="[CONFLICT:]N",
            help="What stays; the others go into the trash. Without CONFLICT: in each of them. "
            "May be repeated.",
        ),
    ] = None,
    one_patient: Annotated[
        bool,
        typer.Option("--one-patient", help="All objects are of the session's own patient."),
    ] = False,
    subject: Annotated[str, typer.Option("--subject", help="New label of the subject.")] = "",
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Decide what contradicts itself in a session; “conflict” shows it. Where it was about
    patients, the site script runs again for the session's subject."""
    if not keep and not one_patient:
        raise typer.BadParameter("say what to --keep, or --one-patient")
    id = await engine.prearchive.find(session)
    told = await engine.prearchive.contradictions(id)
    if not told.found:
        raise InvalidInput(f"nothing in {id} contradicts itself", hint="a rebuild looks again")
    outcome = await engine.prearchive.resolve(
        id,
        _choices(told, keep or [], one_patient=one_patient),
        subject=subject,
        seen=told.seen,
        reason=reason,
    )
    await end(engine, Verb.RESOLVE, (outcome,), wait, as_json)


def _choices(told: Contradictions, keep: list[str], *, one_patient: bool) -> tuple[Choice, ...]:
    """Read what is to be kept: of one contradiction, or of all that nothing else is said of."""
    said: dict[int, int] = {}
    for_all: int | None = None
    for word in keep:
        number, colon, alternative = word.rpartition(":")
        if not alternative.isdecimal() or (colon and not number.isdecimal()):
            raise typer.BadParameter(f"{word} is not of the form N or CONFLICT:N")
        if colon:
            said[int(number)] = int(alternative)
        else:
            for_all = int(alternative)
    for one in told.found:
        if one_patient and one.kind is ContradictionKind.PATIENT:
            said.setdefault(one.number, ALL_ONE)
        elif for_all is not None:
            said.setdefault(one.number, for_all)
    return tuple(Choice(contradiction=one, keep=kept) for one, kept in sorted(said.items()))
