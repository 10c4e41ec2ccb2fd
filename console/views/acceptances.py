# SPDX-License-Identifier: Apache-2.0
"""Acceptances of senders as rows and as a card that says what to do next, and the questions about
them. Pure; how the record reads that is filed is in `console.views.acceptance`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from console.views import figures
from console.views.acceptance import SIGNS
from console.views.question import REASON_HINT, UNCHANGED, Answers, Field, Question
from console.views.rows import Row, TableColumn
from engine.model.acceptance import Acceptance, Judgement, Step, StepName, StepState

COLUMNS = (
    TableColumn(title="Verdict", width=11),
    TableColumn(title="Sender", width=16, grows=True),
    TableColumn(title="Receiver", width=16, priority=3),
    TableColumn(title="Images", width=7, right=True, priority=4),
    TableColumn(title="Started", width=16),
    TableColumn(title="By", width=9, priority=1),
    TableColumn(title="Closed", width=16, priority=2),
    TableColumn(title="By", width=9, priority=5),
)

EXPORTED = ("Id", *(column.title for column in COLUMNS[:6]), "Closed", "Closed by", "Note")
"""The titles of exported rows."""

NAMES = 13
"""Cells of the names in the card: the longest step, and a gap."""

_VERDICTS = {
    Judgement.OPEN: ("◑", "plain"),
    Judgement.ACCEPTED: ("✓", "good"),
    Judgement.REJECTED: ("✗", "bad"),
    Judgement.ABANDONED: ("○", "dim"),
}
_WORDS = {StepState.DONE: "done", StepState.WAITING: "waiting", StepState.WRONG: "wrong"}
_UNDER = " "
"""Stands for no name where a line goes below the value of another."""

_MENDING = {
    StepName.CONNECTION: "correct that, let it call again; if something broke, x and n try anew",
    StepName.SERIES: "1 Live says why; mend that, then x and n try it anew",
    StepName.ROUTING: "o opens it: its tab Routing says why; mend the rules in 6 Projects",
    StepName.SCRIPT: "correct the script, then: anteroom held retry",
    StepName.COUNTS: "count again at the scanner; i corrects the number",
}
"""What is to be done about a step that went wrong."""

EMPTY = (
    ("", "Before a scanner is relied on, it is tried once:"),
    ("", ""),
    ("", " 1  n begins; whatever comes under its AE title counts from then on"),
    ("", " 2  at the scanner: an echo, then a series of a phantom"),
    ("", " 3  each step is judged here while that arrives, and says what to do next"),
    ("", " 4  i says how many images the scanner counts"),
    ("", " 5  a signs what was seen, e writes the record to a file"),
)
"""What the card says while there is no acceptance."""

_NOTE = "note"
_SIGNING = (Judgement.ACCEPTED.value, Judgement.REJECTED.value)


def row(one: Acceptance) -> Row:
    """Show one acceptance."""
    sign, tone = _VERDICTS[one.verdict]
    return Row(
        key=one.id,
        tone=tone,
        cells=(
            f"{sign} {one.verdict.value}",
            one.calling,
            one.receiver or "any",
            figures.grouped(one.expected) if one.expected else "–",
            figures.moment(one.started)[:16],
            one.started_by or "–",
            figures.moment(one.closed)[:16] or "–",
            one.closed_by or "–",
        ),
        tones=((0, tone),),
    )


def exported(acceptances: Sequence[Acceptance]) -> list[tuple[str, ...]]:
    """Return the rows of a file."""
    return [(one.id, *row(one).cells, one.note) for one in acceptances]


def card(one: Acceptance) -> list[tuple[str, str]]:
    """Say how each step stands, and what to do next."""
    sign, _ = _VERDICTS[one.verdict]
    lines = [("Verdict", f"{sign} {one.verdict.value}{_since(one)}")]
    if one.verdict is Judgement.OPEN:
        lines.append(("Next", what_next(one)))
    if one.note:
        lines.append(("Note", one.note))
    lines.append(("", ""))
    for step in one.steps:
        lines.append((step.name.value, step_said(step)))
        lines += [(_UNDER, detail) for detail in step.details]
    expected = figures.plural(one.expected, "image") if one.expected else "not stated"
    facts = [("Receiver", one.receiver or "any"), ("Expected", expected), ("Record", one.id)]
    return [*lines, ("", ""), *facts]


def step_said(step: Step) -> str:
    """Say how a step stands."""
    return f"{SIGNS[step.state]} {_WORDS[step.state]}: {step.said}"


def what_next(one: Acceptance) -> str:
    """Say what is to be done next; what went wrong comes first."""
    lacking = one.lacking
    if not lacking:
        return "all is done: a signs it"
    wrong = next((step for step in lacking if step.state is StepState.WRONG), None)
    if wrong is not None:
        return f"{wrong.name}: {_MENDING.get(wrong.name, wrong.said)}"
    # An echo is asked for in its turn, but holds nothing up.
    for step in one.steps:
        if step.name is StepName.ECHO and step.state is StepState.WAITING:
            return f"{step.said}; else {lacking[0].said}"
        if step in lacking:
            return "i says it: " + step.said if step.name is StepName.COUNTS else step.said
    return lacking[0].said


def said(acceptances: Sequence[Acceptance]) -> str:
    """Say how many there are."""
    still = sum(one.verdict is Judgement.OPEN for one in acceptances)
    return f"{still} open of {figures.plural(len(acceptances), 'acceptance')} shown"


def fed(one: Acceptance) -> tuple[str, ...]:
    """Return the sessions of the prearchive that the sender has fed, those with trouble first."""
    return tuple(dict.fromkeys(session for step in one.steps for session in step.sessions))


def why_closed(one: Acceptance) -> str:
    """Say why one cannot be changed; empty where it can."""
    if one.verdict is Judgement.OPEN:
        return ""
    return f"it is {one.verdict.value}: what was signed is not changed"


def new_question(
    senders: Sequence[str], receivers: Sequence[str], sender: str = "", receiver: str = ""
) -> Question:
    """Ask which sender is tried; those that were seen and the receivers there are, are offered."""
    return Question(
        title="Try a scanner",
        act="Begin",
        says=("From now on everything counts that comes under its AE title.",),
        fields=(
            Field(
                name="sender",
                label="Its AE title",
                value=sender,
                needed=True,
                choices=tuple(senders),
            ),
            Field(
                name="receiver",
                label="Calls",
                value=receiver,
                hint="AE title of a receiver; empty: any",
                choices=tuple(receivers),
            ),
            Field(
                name="expected",
                label="Images",
                hint="of the test series, as its own screen counts them; may be said later",
            ),
        ),
        command=_start_command,
        fault=lambda given: _no_number(given["expected"]) if given["expected"] else "",
    )


def expect_question(one: Acceptance) -> Question:
    """Ask how many images the sender counts."""
    now = str(one.expected) if one.expected else ""

    def fault(given: Answers) -> str:
        return _no_number(given["images"]) or (UNCHANGED if given["images"] == now else "")

    return Question(
        title=f"Images that {one.calling} counts",
        act="Set it",
        says=("As its own screen counts the images of the test series.",),
        fields=(Field(name="images", label="Images", value=now, needed=True),),
        command=lambda given: _command("expect", one.id, given["images"] or "IMAGES"),
        fault=fault,
    )


def sign_question(one: Acceptance, actor: str) -> Question:
    """Ask for the verdict on a sender. It begins without one: what is signed stays."""
    lacking = one.lacking

    def fault(given: Answers) -> str:
        if given["verdict"] not in _SIGNING:
            return "the verdict is accepted or rejected"
        if given[_NOTE]:
            return ""
        if given["verdict"] == Judgement.REJECTED:
            return "a rejection says why, in the note"
        return "not all is done: say in the note why it is accepted all the same" if lacking else ""

    return Question(
        title=f"Sign the acceptance of {one.calling}",
        act="Sign it",
        rows=tuple(f"{SIGNS[step.state]} {step.name}: {step.said}" for step in lacking),
        says=(
            "Not all is done, see above." if lacking else "All steps are done.",
            f"The steps are kept as they stand, signed by {actor or 'you'}.",
        ),
        warning="What is signed is never changed.",
        fields=(
            Field(
                name="verdict",
                label="Verdict",
                hint="accepted or rejected",
                needed=True,
                choices=_SIGNING,
            ),
            Field(name=_NOTE, label="Note", hint=REASON_HINT),
        ),
        command=lambda given: _close_command(one, given["verdict"] or "VERDICT", given),
        fault=fault,
    )


def drop_question(one: Acceptance) -> Question:
    """Ask before an acceptance is given up."""
    return Question(
        title=f"Give up the acceptance of {one.calling}?",
        act="Give it up",
        keep="Go on",
        rows=(f"{one.id}   begun {figures.moment(one.started)[:16]} by {one.started_by}",),
        says=("It is kept as abandoned, with the steps as they stand; n begins another.",),
        fields=(Field(name=_NOTE, label="Note", hint=REASON_HINT),),
        danger=True,
        command=lambda given: _close_command(one, Judgement.ABANDONED.value, given),
    )


def _since(one: Acceptance) -> str:
    if one.closed is None:
        return f", begun {figures.moment(one.started)[:16]} by {one.started_by or 'nobody known'}"
    return f" {figures.moment(one.closed)[:16]} by {one.closed_by or 'nobody known'}"


def _no_number(text: str) -> str:
    return "" if text.isascii() and text.isdecimal() else "images are a number"


def _command(*words: str) -> str:
    return shlex.join(["anteroom", "acceptance", *words])


def _start_command(given: Answers) -> str:
    words = ["start", given["sender"] or "AE"]
    words += ["--receiver", given["receiver"]] if given["receiver"] else []
    words += ["--expected", given["expected"]] if given["expected"] else []
    return _command(*words)


def _close_command(one: Acceptance, verdict: str, given: Answers) -> str:
    note = ("--note", given[_NOTE]) if given[_NOTE] else ()
    return _command("close", one.id, verdict, *note)
