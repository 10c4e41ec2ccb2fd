# SPDX-License-Identifier: Apache-2.0
"""The contradictions in a session as they are shown to the user who decides on them: the
alternatives side by side, and the meaning of each choice. Pure; masking has been done before."""

from __future__ import annotations

from collections.abc import Sequence

from console.views import figures
from console.views.masking import LASTING
from console.views.question import Field, Option, Question, reason
from engine.model.contradictions import (
    ALL_ONE,
    Alternative,
    Choice,
    Contradiction,
    ContradictionKind,
)
from engine.model.prearchive import PrearchiveSession

_EVERY = "every"


def offered(found: Sequence[Contradiction]) -> tuple[Option, ...]:
    """Return what can be chosen about the first contradiction, or about all objects at once."""
    one = found[0]
    choices = [
        Option(key=str(each.number), title=f"keep {each.number}", detail=told(one, each))
        for each in one.alternatives
    ]
    if one.kind is ContradictionKind.PATIENT:
        words = "all objects are of the session's own patient, and stay"
        choices.append(Option(key=str(ALL_ONE), title="one patient", detail=words))
    elif len(found) > 1:
        every = f"the same in all {len(found)} that contradict themselves"
        choices += [
            Option(key=f"{_EVERY} {each.number}", title=f"keep {each.number} of all", detail=every)
            for each in one.alternatives
        ]
    return tuple(choices)


def told(one: Contradiction, each: Alternative) -> str:
    """Say one alternative on a line."""
    count = figures.plural(each.objects, "object")
    scans = f"scan {', '.join(each.scans)}"
    if one.kind is ContradictionKind.PATIENT:
        subject = f"subject {each.subject}" if each.subject else ""
        who = (each.name or "no name", each.sex, each.birth_date, each.patient_id)
        return " · ".join(filter(None, (*who, count, scans, subject)))
    size = figures.size(each.bytes)
    when = figures.moment(each.received) if each.received is not None else ""
    return " · ".join(filter(None, (each.file, size, each.calling, when)))


def choices(found: Sequence[Contradiction], key: str) -> tuple[Choice, ...]:
    """Return the decision that was chosen."""
    one = found[0]
    if not key.startswith(_EVERY):
        return (Choice(contradiction=one.number, keep=int(key)),)
    keep = int(key.removeprefix(_EVERY))
    return tuple(
        Choice(contradiction=each.number, keep=keep)
        for each in found
        if each.kind is one.kind and keep <= len(each.alternatives)
    )


def question(session: PrearchiveSession, found: Sequence[Contradiction], key: str) -> Question:
    """Make the question that comes before a decision is carried out."""
    one = found[0]
    if one.kind is ContradictionKind.PATIENT:
        runs = "The site script runs again, for the session's project, subject and label."
        stays = (
            "All objects stay."
            if key == str(ALL_ONE)
            else "The others go into the trash, as a session of their own."
        )
        says: tuple[str, ...] = (stays, runs)
    else:
        says = ("What is not kept goes into the trash, as a session of its own.",)
    fields = [reason(needed=False)]
    if _nobody_knows_subject(one, key):
        fields.insert(0, Field(name="subject", label="Subject", needed=True))
    label = session.id if LASTING.hides(session) else session.label
    return Question(
        title=f"Decide {figures.plural(len(choices(found, key)), 'contradiction')} of {label}?",
        act="Decide",
        says=(*says, one.reason),
        fields=tuple(fields),
    )


def _nobody_knows_subject(one: Contradiction, key: str) -> bool:
    if one.kind is not ContradictionKind.PATIENT or key == str(ALL_ONE):
        return False
    kept = one.alternatives[int(key) - 1]
    return not kept.own and not kept.subject


def words(decision: Sequence[Choice]) -> list[str]:
    """Return a decision as the command takes it."""
    said: list[str] = []
    for one in decision:
        if one.keep == ALL_ONE:
            said.append("--one-patient")
        else:
            said += ["--keep", f"{one.contradiction}:{one.keep}"]
    return said
