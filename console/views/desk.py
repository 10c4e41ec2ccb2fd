# SPDX-License-Identifier: Apache-2.0
"""How the reviewer's desk is shown and asked: whose a session is, who has reviewed it, and the note
on it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from console.views import figures
from console.views.question import Answers, Field, Option, Question
from engine.model.desk import LONGEST_NOTE, Desk, Opened
from engine.model.prearchive import PrearchiveSession
from engine.model.queues import Queue

REVIEW, WITHDRAW, NOTE, GIVE, TAKE, QUEUES, CAPSULE, LOOK_UP = (
    "review",
    "withdraw",
    "note",
    "give",
    "take",
    "queues",
    "capsule",
    "look up",
)
"""What can be chosen."""

_HIDDEN: Final = "somebody left one; # shows it"


def offered(sessions: Sequence[PrearchiveSession], me: str) -> tuple[Option, ...]:
    """Offer what can be said of sessions, and finding one by a paper."""
    what = figures.plural(len(sessions), "session")
    choices = []
    if any(one.reviewed is None for one in sessions):
        detail = f"{what}: you have seen what stands there now"
        choices.append(Option(key=REVIEW, title="reviewed", detail=detail))
    if any(one.reviewed is not None for one in sessions):
        choices.append(Option(key=WITHDRAW, title="not reviewed", detail="take the mark away"))
    if sessions:
        choices.append(Option(key=NOTE, title="note …", detail="for those who review it"))
        if any(one.assigned != me for one in sessions):
            choices.append(Option(key=TAKE, title="mine", detail=f"{what}: yours to look at"))
        choices.append(Option(key=GIVE, title="give …", detail="say who is to look at it"))
    choices.append(Option(key=QUEUES, title="what waits …", detail="for whom, and since when"))
    if len(sessions) == 1:
        detail = "a bundle for whoever helps, without patients"
        choices.append(Option(key=CAPSULE, title="capsule …", detail=detail))
    choices.append(
        Option(key=LOOK_UP, title="by a paper …", detail="find a session by a name or a number")
    )
    return tuple(choices)


def note_question(
    sessions: Sequence[PrearchiveSession], named: Sequence[str], before: Desk | None
) -> Question:
    """Ask for a note; `before` is what is known where one session is meant and may be told."""
    ids = [one.id for one in sessions]
    text = before.note if before is not None else ""
    any_noted = any(one.noted for one in sessions)

    def fault(given: Answers) -> str:
        many = len(given.get("note", ""))
        return f"at most {LONGEST_NOTE} characters" if many > LONGEST_NOTE else ""

    return Question(
        title=f"A note on {figures.plural(len(ids), 'session')}",
        act="Save",
        rows=tuple(named),
        says=("It goes with the session, and never into the archive. An empty one is none.",),
        # Where there is a note, an empty one removes it.
        fields=(Field(name="note", label="Note", value=text, needed=not any_noted),),
        fault=fault,
        command=lambda given: command("note", ids, "--text", given.get("note", "")),
    )


def give_question(
    sessions: Sequence[PrearchiveSession], named: Sequence[str], people: Sequence[str]
) -> Question:
    """Ask who is to look at sessions."""
    ids = [one.id for one in sessions]
    holders = {one.assigned for one in sessions}
    given, value = holders != {""}, holders.pop() if len(holders) == 1 else ""
    hint = "a login; empty is nobody" if given else "a login"
    login = Field(
        name="to", label="Login", value=value, choices=tuple(people), hint=hint, needed=not given
    )
    return Question(
        title=f"Who is to look at {figures.plural(len(ids), 'session')}?",
        act="Give",
        rows=tuple(named),
        fields=(login,),
        command=lambda given: command("assign", ids, "--to", given.get("to", "")),
    )


LOOK_UP_QUESTION = Question(
    title="Find a session by a paper",
    act="Find",
    says=(
        "A patient's name, an id or an accession number, as it came.",
        "It is kept nowhere; the audit trail says that you looked.",
    ),
    fields=(Field(name="name", label="On paper", needed=True),),
    command=lambda _: "anteroom prearchive look-up",
)


def found(session: PrearchiveSession) -> Option:
    """Show a session that was found by a paper, without its labels: they may tell the same."""
    detail = f"{session.project or 'Unassigned'}   {session.shown_status.lower()}"
    return Option(key=session.id, title=session.id, detail=detail)


def lines(session: PrearchiveSession, desk: Desk | None, *, hidden: bool) -> list[tuple[str, str]]:
    """Return what a card says of it; nothing of what nobody has said."""
    told = []
    if session.assigned:
        told.append(("For", session.assigned))
    if session.reviewed is not None:
        told.append(("Reviewed", f"{session.reviewed_by}, {figures.moment(session.reviewed)}"))
    elif desk is not None and desk.fell:
        told.append(("Reviewed", f"no more: {desk.fell}"))
    if desk is not None and desk.opened:
        told.append(("Open", others(desk.opened)))
    if session.noted:
        note = desk.note if desk is not None else ""
        told.append(("Note", _HIDDEN if hidden or not note else note))
    return told


def queues(found: Sequence[Queue], now: datetime) -> list[tuple[str, str]]:
    """Return what waits for whom, a line each; what is overdue says so."""
    return [(one.kind.value, _queue(one, now)) for one in found]


def _queue(one: Queue, now: datetime) -> str:
    where = " for ".join(filter(None, (one.project, one.person)))
    told = f"{figures.grouped(one.waiting)}  {where or 'of no project'}"
    told += f", the oldest for {figures.age(now, one.oldest)}"
    if one.goal_hours:
        late = f"{figures.grouped(one.overdue)} overdue" if one.overdue else "none overdue"
        told += f"; {late}, the goal is {one.goal_hours} h"
    return told


def others(opened: Sequence[Opened]) -> str:
    """Say who else has a session open, and since when."""
    return ", ".join(f"{one.login} since {figures.clock(one.since)[:5]}" for one in opened)


def command(verb: str, ids: Sequence[str], *options: str) -> str:
    """Return the command that does the same; of many sessions the first are named."""
    return shlex.join(["anteroom", "prearchive", verb, *ids, *options])
