# SPDX-License-Identifier: Apache-2.0
"""What is done with objects that are held: the question before, its command, and how it went."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum

from console.views import figures
from console.views.question import Answers, Question, reason
from engine.model.ledger import HeldEntry
from engine.model.prearchive import ActOutcome

MOST = 1000
"""Objects that one question is about."""


class HeldAct(StrEnum):
    """What can be done with a held object; as the commands call it."""

    RETRY = "retry"
    DROP = "drop"


def question(act: HeldAct, held: Sequence[HeldEntry], of: int) -> Question:
    """Ask before an act on objects, which may be the first of more."""
    many = figures.plural(len(held), "held object")
    rows = tuple(
        f"{one.id}  {one.calling}  {one.sop_class_name or 'unknown kind'}  {one.reason}"
        for one in held
    )
    ids = tuple(one.id for one in held)
    says: tuple[str, ...] = ()
    if of > len(held):
        says = (f"These are the newest {figures.grouped(len(held))} of {figures.grouped(of)}.",)

    def command(given: Answers) -> str:
        return written(act, ids, given.get("reason", ""))

    if act is HeldAct.RETRY:
        return Question(
            title=f"Retry {many}?",
            act="Retry",
            rows=rows,
            says=(
                *says,
                "The script in force runs over them as if they had just come: what it lets through",
                "joins its session, what it fails with stays held and says why.",
            ),
            fields=(reason(needed=False),),
            command=command,
        )
    return Question(
        title=f"Drop {many}?",
        act="Drop",
        keep="Keep",
        rows=rows,
        says=(*says, "They were answered with success: the sender believes that they are here."),
        warning="Their files go for good; they are counted as deleted.",
        fields=(reason(needed=True),),
        confirm=len(held) if len(held) > 1 else 0,
        danger=True,
        command=command,
    )


def written(act: HeldAct, ids: Sequence[str], why: str) -> str:
    """Return the command of an act."""
    words = ["anteroom", "held", act.value, *ids]
    return shlex.join([*words, "--reason", why] if why else words)


def told(act: HeldAct, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
    """Say how it went, and whether something was not done."""
    done = [one for one in outcomes if one.done]
    left = [one for one in outcomes if not one.done]
    verb = "released" if act is HeldAct.RETRY else "dropped"
    said = f"{figures.plural(len(done), 'object')} {verb}" if done or not left else ""
    if done and len(outcomes) == 1:
        said = f"{one.message}" if (one := done[0]).message else said
    if left:
        first = left[0].message
        more = f"{figures.grouped(len(left))} not: {first}" if len(outcomes) > 1 else first
        said = f"{said}; {more}" if said else more
    return said, bool(left)
