# SPDX-License-Identifier: Apache-2.0
"""How a trial of rules is shown: each step of routing one header, its result, and the result before
the edit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console.views.masking import Masks
from console.views.rows import Row, TableColumn
from console.views.rules import RulePlace
from engine.model.prearchive import PrearchiveSession
from engine.model.routing import Concept, Route, TraceStep, Verdict

COLUMNS = (
    TableColumn(title="Step", width=4, right=True),
    TableColumn(title="Extractor", width=28),
    TableColumn(title="Read", width=14, grows=True),
    TableColumn(title="Outcome", width=24),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A session that was routed by a text of rules that is not saved."""

    place: RulePlace
    text: str
    session: PrearchiveSession
    now: Route
    """By what is in force."""
    then: Route
    """By the text."""


def title(trial: Trial, masks: Masks, text: str) -> str:
    """Say what was routed, and whether the text is another by now."""
    name = trial.session.id if masks.hides(trial.session) else trial.session.label
    old = "" if text == trial.text else " · edited since: t tries again"
    return f"Test a header: {name}{old}"


def rows(trial: Trial, masks: Masks) -> list[Row]:
    """Show the steps of the concept that the text is about."""
    then = masks.route(trial.then, trial.session)
    steps = [one for one in then.trace if one.concept is trial.place.concept]
    return [_row(number, one, then) for number, one in enumerate(steps, start=1)]


def outcome(trial: Trial, masks: Masks) -> str:
    """Say what the text gives."""
    then = masks.route(trial.then, trial.session)
    return "   ".join(f"{name} {value}" for name, value in _values(then))


def before(trial: Trial, masks: Masks) -> str:
    """Say what it gave before the edit."""
    # Compared as they are: masked ones look alike.
    now, then = _results(trial.now), _results(trial.then)
    if now == then:
        return "Before the edit: the same"
    shown = _values(masks.route(trial.now, trial.session))
    differs = [
        f"{name} {value}"
        for (name, value), one, other in zip(shown, now, then, strict=True)
        if one != other
    ]
    return f"Before the edit: {', '.join(differs)}"


def _row(number: int, step: TraceStep, route: Route) -> Row:
    won = step.verdict is Verdict.WON
    extractor = f"{step.element} {step.extractor}".strip()
    tone = "good" if won else "dim" if step.verdict is Verdict.NOT_ASKED else "plain"
    cells = (str(number), extractor, step.saw or "–", _outcome(step, route))
    return Row(key=str(number), cells=cells, tones=((3, tone),), tone=tone if won else "plain")


def _outcome(step: TraceStep, route: Route) -> str:
    if step.verdict is Verdict.WON:
        if step.concept is Concept.PROJECT:
            # A project's ID is the site's own, whatever the header held.
            return f"→ {route.project}, a project ✓"
        return f"→ {step.found or ''} ✓"
    return step.verdict.value + (f": {step.note}" if step.note else "")


def _results(route: Route) -> tuple[object, ...]:
    return (route.project, route.subject, route.session, route.auto_archive)


def _values(route: Route) -> list[tuple[str, str]]:
    auto = {True: "yes", False: "no", None: "by the project's code"}[route.auto_archive]
    return [
        ("Project", route.project or "none: Unassigned"),
        ("Subject", "none" if route.subject is None else route.subject),
        ("Session", route.session),
        ("Auto-archive", "no" if route.project is None else auto),
    ]
