# SPDX-License-Identifier: Apache-2.0
"""Acts as people do them: what is asked, what is refused, and that the command says the same."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.actions import triage
from console.cli import loaded
from engine.model.errors import EngineError, NotFound, Unavailable
from engine.model.identifiers import PrearchiveId
from engine.model.prearchive import ActOutcome, PrearchiveSession
from engine.model.states import QUEUED_FOR, Status, Verb
from engine.service.api import EngineApi
from tests.console.piloting import HOSTILE
from tests.memory import session

DONE = (Verb.ARCHIVE, Verb.MOVE, Verb.RELABEL, Verb.REBUILD, Verb.DELETE, Verb.RESET)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def parsed(command: str) -> tuple[str, dict[str, object]]:
    """Return what the command line makes of a command: the verb, and its parameters."""
    program, noun, verb, *words = shlex.split(command)
    assert (program, noun) == ("anteroom", "prearchive")
    group = loaded(noun)
    context = group.commands[verb].make_context(verb, words)
    return verb, context.params


@pytest.mark.parametrize("verb", DONE)
@given(project=TEXT, label=TEXT, subject=TEXT, reason=TEXT)
def test_a_command_says_what_the_act_is(
    verb: Verb, project: str, label: str, subject: str, reason: str
) -> None:
    many = (session(1),) if verb is Verb.RELABEL else (session(1), session(2))
    act = triage.Act(verb=verb, sessions=many, reason=reason)
    if verb is Verb.MOVE:
        act = replace(act, project=project)
    if verb is Verb.RELABEL:
        act = replace(act, label=label, subject=subject)
    name, given = parsed(triage.command(act))
    assert name == verb.value
    values = list(given.values())
    sessions = given.get("sessions", given.get("session"))
    assert sessions in (list(act.ids), act.ids, act.ids[0])
    assert reason in values
    if verb is Verb.MOVE:
        assert given["project"] == project
    if verb is Verb.RELABEL:
        assert (given["label"], given["subject"]) == (label, subject)


@pytest.mark.parametrize("verb", DONE)
@pytest.mark.parametrize("many", [1, 2, 12])
def test_a_question_says_what_to_how_many(verb: Verb, many: int) -> None:
    if verb is Verb.RELABEL and many > 1:
        return
    asked = triage.question(
        verb, [session(number) for number in range(1, many + 1)], projects=("NEURO3",)
    )
    noun = "a session" if verb is Verb.RELABEL else f"{many} session{'s' if many > 1 else ''}"
    assert noun in asked.title
    assert len(asked.rows) == many
    assert all("NEURO3" in row for row in asked.rows)
    assert asked.says
    assert asked.command is not None
    assert asked.command({}).startswith(f"anteroom prearchive {verb.value} pre_")
    assert asked.danger is (verb is Verb.DELETE)
    counted = many > 1 and verb in (Verb.DELETE, Verb.ARCHIVE)
    assert asked.confirm == (many if counted else 0)


def test_a_deletion_says_how_long_it_can_be_undone_and_wants_a_reason() -> None:
    asked = triage.question(Verb.DELETE, [session(1)], trash_days=30)
    assert asked.says[0] == (
        "It leaves the prearchive and stays in the trash for 30 days; u brings it back."
    )
    assert asked.keep == "Keep it"
    assert [(field.name, field.needed) for field in asked.fields] == [("reason", True)]


def test_a_question_names_what_is_in_no_project_by_its_id() -> None:
    unknown = session(1, project=None, label="DOE^JANE")
    known = session(2, label="MR_2")
    rows = triage.question(Verb.DELETE, [unknown, known]).rows
    assert rows[0].startswith("pre_aaaaaaa1   Unassigned")
    assert rows[1].startswith("MR_2")


def test_labels_are_not_asked_for_where_they_are_a_patients() -> None:
    assert "no project" in triage.refusal(Verb.RELABEL, session(1, project=None))
    assert triage.refusal(Verb.RELABEL, session(1)) == ""


def test_a_long_label_leaves_room_for_the_rest() -> None:
    row = triage.described(session(1, label="A" * 60_000, project=HOSTILE))
    assert len(row) < 90
    assert row.endswith("10 files   ready")
    assert "\x1b" not in row


@pytest.mark.parametrize(
    ("verb", "changes", "why"),
    [
        (Verb.ARCHIVE, {"project": None}, "no project"),
        (Verb.ARCHIVE, {"status": Status.BUILDING, "locked": True}, ""),
        (Verb.MOVE, {"status": Status.QUEUED_ARCHIVING}, "queued"),
        (Verb.DELETE, {"status": Status.READY}, None),
        (Verb.RESET, {"status": Status.QUEUED_MOVING}, None),
    ],
)
def test_what_is_refused_says_why(verb: Verb, changes: dict[str, object], why: str | None) -> None:
    said = triage.refusal(verb, session(1, **changes))
    assert bool(said) is (why is not None)
    assert (why or "") in said
    assert triage.why_none(verb, [session(1, **changes)]) == said


def test_some_that_are_refused_are_left_out_and_said() -> None:
    busy = session(2, status=Status.BUILDING, locked=True)
    possible, refused = triage.sort_out(Verb.MOVE, [session(1), busy])
    assert [one.id for one in possible] == ["pre_aaaaaaa1"]
    asked = triage.question(Verb.MOVE, possible, refused, projects=("NEURO3",), note="and more")
    assert asked.says[-2].startswith("1 marked are left out: ")
    assert asked.says[-1] == "and more"
    assert triage.why_none(Verb.MOVE, [session(1), busy]) == ""
    assert triage.why_none(Verb.MOVE, []) == "there is no session here"
    assert triage.why_none(Verb.MOVE, [busy, busy]).startswith("none of the 2 marked: ")


def test_labels_that_come_from_the_patient_are_told_of_before_they_are_taken_along() -> None:
    mine, nobodys = session(1), session(2, project=None)
    asked = triage.question(Verb.MOVE, [mine, nobodys], projects=("NEURO3",))
    assert "the patient's name and ID" in asked.warning
    assert "--yes" in triage.command(triage.answered(Verb.MOVE, [mine, nobodys], {"project": "P"}))
    assert triage.question(Verb.MOVE, [mine], projects=("NEURO3",)).warning == ""
    assert "--yes" not in triage.command(triage.answered(Verb.MOVE, [mine], {"project": "P"}))
    assert triage.question(Verb.DELETE, [nobodys]).warning == ""


def test_only_a_project_that_is_there_can_be_moved_to() -> None:
    asked = triage.question(Verb.MOVE, [session(1)], projects=("NEURO3", "CARDIO"))
    assert asked.fault({"project": "NEURO3"}) == ""
    assert asked.fault({"project": "NEURO"}) == "there is no project NEURO"


def test_a_label_that_stays_is_not_sent() -> None:
    asked = triage.question(Verb.RELABEL, [session(1)])
    as_it_was = {"label": "MR_1", "subject": "SUB-1"}
    assert asked.fault(as_it_was) == "nothing is changed yet"
    changed = as_it_was | {"label": "MR_X"}
    assert asked.fault(changed) == ""
    act = triage.answered(Verb.RELABEL, [session(1)], changed)
    assert (act.label, act.subject) == ("MR_X", "")
    assert "--subject" not in triage.command(act)


def test_how_an_act_went_is_told() -> None:
    act = triage.Act(verb=Verb.MOVE, sessions=(session(1), session(2)), project="CARDIO")
    good = ActOutcome(id="pre_aaaaaaa1", done=True)
    bad = ActOutcome(id="pre_aaaaaaa2", done=False, message="a job is at work")
    assert triage.told(act, [good, good]) == ("move: 2 sessions to CARDIO", False)
    assert triage.told(act, [good, bad]) == (
        "move: 1 session to CARDIO; 1 refused: a job is at work",
        True,
    )


class Answering:
    """An engine with sessions; it notes what it is told to do."""

    def __init__(self, *sessions: PrearchiveSession) -> None:
        self.prearchive = self
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self._sessions = {one.id: one for one in sessions}
        self.unanswered: EngineError = NotFound("no such prearchive session")
        """What comes of a question for another session."""

    async def show(self, id: str) -> PrearchiveSession:
        if id not in self._sessions:
            raise self.unanswered
        return self._sessions[PrearchiveId(id)]

    async def reset(self, ids: tuple[str, ...], reason: str) -> tuple[ActOutcome, ...]:
        return self._done("reset", ids)

    async def move(self, ids: tuple[str, ...], project: str, reason: str) -> tuple[ActOutcome, ...]:
        return self._done(f"move {project}", ids)

    def _done(self, what: str, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        self.told.append((what, ids))
        return tuple(ActOutcome(id=id, done=True) for id in ids)


async def test_what_is_queued_leaves_the_queue_and_what_is_done_is_done_the_other_way() -> None:
    queued = session(1, project="CARDIO", status=Status.QUEUED_MOVING)
    done, others = (
        session(2, project="CARDIO"),
        # Somebody else has gone on with it meanwhile.
        session(3, project="CARDIO", status=Status.QUEUED_ARCHIVING),
    )
    act = triage.Act(
        verb=Verb.MOVE, sessions=(session(1), session(2), session(3)), project="CARDIO"
    )
    engine = Answering(queued, done, others)
    outcomes = await triage.take_back(cast("EngineApi", engine), act)
    assert engine.told == [
        ("reset", ("pre_aaaaaaa1",)),
        ("move NEURO3", ("pre_aaaaaaa2", "pre_aaaaaaa3")),
    ]
    assert triage.taken_back(act, outcomes) == ("taken back: move 3 sessions back", False)
    refused = ActOutcome(id="pre_aaaaaaa3", done=False, message="it is queued")
    assert triage.taken_back(act, [*outcomes[:2], refused]) == (
        "taken back for 2 sessions; not taken back: it is queued",
        True,
    )


@pytest.mark.parametrize("verb", [Verb.MOVE, Verb.DELETE, Verb.ARCHIVE])
async def test_what_cannot_be_asked_for_is_not_taken_back(verb: Verb) -> None:
    act = triage.Act(verb=verb, sessions=(session(1), session(2)), project="CARDIO")
    engine = Answering(session(1, status=QUEUED_FOR[verb]))
    engine.unanswered = Unavailable("the engine did not answer")
    with pytest.raises(Unavailable):
        await triage.take_back(cast("EngineApi", engine), act)
    assert engine.told == []


async def test_what_has_left_the_prearchive_is_taken_back_the_other_way() -> None:
    act = triage.Act(verb=Verb.MOVE, sessions=(session(1),), project="CARDIO")
    engine = Answering()
    await triage.take_back(cast("EngineApi", engine), act)
    assert engine.told == [("move NEURO3", ("pre_aaaaaaa1",))]


@pytest.mark.parametrize("verb", DONE)
def test_taking_back_is_said_and_so_is_what_cannot(verb: Verb) -> None:
    act = triage.Act(verb=verb, sessions=(session(1),))
    assert triage.taking_back(act)
    assert bool(triage.why_kept(act)) is (verb is Verb.RESET)
    unknown: tuple[PrearchiveSession, ...] = (session(1, project=None),)
    moved = triage.Act(verb=Verb.MOVE, sessions=unknown)
    assert triage.why_kept(moved) == "nothing is moved back into Unassigned"
