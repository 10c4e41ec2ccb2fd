"""How a trial of rules is shown: each step of the routing of one header, what comes of it, and what
came of it before the edit. Values of a header whose labels are masked show by length. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console import glyphs
from console.ruletexts import Place
from console.widgets.rows import Row, TableColumn
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

    place: Place
    text: str
    session: PrearchiveSession
    now: Route
    """By what is in force."""
    then: Route
    """By the text."""


def title(trial: Trial, *, masked: bool, text: str) -> str:
    """Say what was routed, and whether the text is another by now."""
    name = trial.session.id if masked else trial.session.label
    old = "" if text == trial.text else " · edited since: t tries again"
    return f"Test a header: {name}{old}"


def rows(trial: Trial, *, masked: bool) -> list[Row]:
    """Show the steps of the concept that the text is about."""
    steps = [one for one in trial.then.trace if one.concept is trial.place.concept]
    return [_row(number, one, trial.then, masked) for number, one in enumerate(steps, start=1)]


def outcome(route: Route, *, masked: bool) -> str:
    """Say what a route gives."""
    return "   ".join(f"{name} {value}" for name, value in _values(route, masked))


def before(trial: Trial, *, masked: bool) -> str:
    """Say what it gave before the edit."""
    now, then = _results(trial.now), _results(trial.then)
    if now == then:
        return "Before the edit: the same"
    shown = _values(trial.now, masked)
    differs = [
        f"{name} {value}"
        for (name, value), one, other in zip(shown, now, then, strict=True)
        if one != other
    ]
    return f"Before the edit: {', '.join(differs)}"


def hidden(text: str) -> str:
    """Stand for a text that is not shown."""
    letters = "character" if len(text) == 1 else "characters"
    return f"‹{len(text)} {letters}›" if text else ""


def _row(number: int, step: TraceStep, route: Route, masked: bool) -> Row:
    won = step.verdict is Verdict.WON
    saw = hidden(step.saw) if masked else step.saw
    extractor = f"{step.element} {step.extractor}".strip()
    tone = "good" if won else "dim" if step.verdict is Verdict.NOT_ASKED else "plain"
    cells = (str(number), extractor, saw or "–", _outcome(step, route, masked))
    return Row(key=str(number), cells=cells, tones=((3, tone),), tone=tone if won else "plain")


def _outcome(step: TraceStep, route: Route, masked: bool) -> str:
    if step.verdict is Verdict.WON:
        if step.concept is Concept.PROJECT:
            # The ID of a project is of this site, whatever the header said.
            return f"→ {route.project}, a project ✓"
        found = step.found or ""
        return f"→ {hidden(found) if masked else found} ✓"
    return step.verdict.value + (f": {step.note}" if step.note else "")


def _results(route: Route) -> tuple[object, ...]:
    return (route.project, route.subject, route.session, route.auto_archive)


def _values(route: Route, masked: bool) -> list[tuple[str, str]]:
    def label(text: str | None) -> str:
        if text is None:
            return "none"
        return glyphs.MASK if masked else text

    auto = {True: "yes", False: "no", None: "by the project's code"}[route.auto_archive]
    return [
        ("Project", route.project or "none: Unassigned"),
        ("Subject", label(route.subject)),
        ("Session", label(route.session)),
        ("Auto-archive", "no" if route.project is None else auto),
    ]
