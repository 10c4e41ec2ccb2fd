# SPDX-License-Identifier: Apache-2.0
"""How the acceptance of a sender is shown, and the record that is exported. Pure."""

from __future__ import annotations

from datetime import datetime

from console.views.text import json_text, plain_text
from engine.model.acceptance import Acceptance, Judgement, StepState

SIGNS = {StepState.DONE: "✓", StepState.WAITING: "·", StepState.WRONG: "!"}
_WIDTH = 12


def lines(found: Acceptance) -> tuple[str, ...]:
    """Show the steps, each with what was seen or what to do."""
    where = f" at {found.receiver}" if found.receiver else ""
    told = [f"{found.id}  {found.calling}{where}: {found.verdict.value}"]
    for step in found.steps:
        told.append(f"  {SIGNS[step.state]} {step.name:<{_WIDTH}} {step.said}")
        told += [f"{'':<{_WIDTH + 5}}{detail}" for detail in step.details]
    return tuple(told)


def report(found: Acceptance) -> list[str]:
    """Write the record as it is filed, with lines to sign by hand."""
    title = f"Acceptance of {found.calling}"
    head = [title, "=" * len(title), ""]
    facts = {
        "Record": found.id,
        "Sender": found.calling,
        "Receiver": found.receiver or "any",
        "Images expected": str(found.expected) if found.expected else "not stated",
        "Started": f"{_time(found.started)} by {found.started_by}",
        "Verdict": found.verdict.value,
    }
    if found.closed is not None:
        facts["Closed"] = f"{_time(found.closed)} by {found.closed_by}"
    if found.note:
        facts["Note"] = found.note
    head += [f"{name + ':':<17}{value}" for name, value in facts.items()]
    body = ["", "Steps", "-----", *lines(found)[1:]]
    if found.verdict is Judgement.OPEN:
        body += ["", "This record is open: it says how things stand now."]
    blank = "_" * 28
    return [*head, *body, "", f"Name {blank}  Date {blank[:14]}  Signature {blank}"]


def record(found: Acceptance, *, as_json: bool) -> str:
    """Return the content of the file into which a record is exported."""
    if as_json:
        return json_text(found)
    return "".join(f"{plain_text(line)}\n" for line in report(found))


def _time(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M %Z")
