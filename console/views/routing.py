# SPDX-License-Identifier: Apache-2.0
"""A routing trace as rows: for each value the extractors that were asked, in order, what each read,
and why it won or lost. Pure; what is to be masked is masked already."""

from __future__ import annotations

from itertools import groupby

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.routing import Concept, Route, TraceStep, Verdict

COLUMNS = (
    TableColumn(title="Asked", width=26),
    TableColumn(title="What it read, and what came of it", width=24, grows=True),
)

TITLES = {
    Concept.PROJECT: "Project",
    Concept.SUBJECT: "Subject",
    Concept.SESSION: "Session",
    Concept.AUTO_ARCHIVE: "Auto-archive",
}


def rows(route: Route) -> list[Row]:
    """Show a route and its trace; of what was moved since, that of before, and by whom."""
    shown = [
        Row(key=f"moved.{one.id}", cells=("Moved", f"{figures.moment(one.at)} {one.text}"))
        for one in route.moves
    ]
    route = route.before or route
    for concept in Concept:
        shown.append(_head(route, concept))
        steps = [step for step in route.trace if step.concept is concept]
        groups = groupby(enumerate(steps), key=lambda each: each[1].verdict is Verdict.NOT_ASKED)
        for not_asked, group in groups:
            members = list(group)
            if not_asked:
                shown.append(_not_asked(concept, members))
            else:
                shown += [_step(step, place) for place, step in members]
    return shown


def result(route: Route, concept: Concept) -> str:
    """Say what was found for one value."""
    match concept:
        case Concept.PROJECT:
            return route.project if route.project is not None else "none: Unassigned"
        case Concept.AUTO_ARCHIVE:
            if route.auto_archive is not None:
                return "yes" if route.auto_archive else "no"
            return (
                "no, without a project" if route.project is None else "as the project's code says"
            )
        case Concept.SUBJECT:
            found = route.subject
        case _:
            found = route.session
    return "none" if found is None else found


def story(step: TraceStep) -> str:
    """Tell what an extractor read, and what came of it."""
    told = step.element
    if step.saw:
        told += f"{' ' if told else ''}“{step.saw}”"
    if step.found and step.found != step.saw:
        told += f"{' ' if told else ''}→ “{step.found}”"
    if step.verdict is not Verdict.WON:
        told += f"{': ' if told else ''}{step.verdict.value}"
    if step.note:
        told += f"{'; ' if told else ''}{step.note}"
    return told


def _head(route: Route, concept: Concept) -> Row:
    text = result(route, concept)
    lost = concept is Concept.PROJECT and route.project is None
    tones = ((1, "look"),) if lost else ()
    return Row(key=concept.value, cells=(TITLES[concept], text), tones=tones)


def _step(step: TraceStep, place: int) -> Row:
    won = step.verdict is Verdict.WON
    return Row(
        key=f"{step.concept.value}.{place}",
        cells=(f"{'✓' if won else ' '} {step.extractor}", story(step)),
        tone="good" if won else "dim",
        tones=() if won else ((1, "dim"),),
    )


def _not_asked(concept: Concept, steps: list[tuple[int, TraceStep]]) -> Row:
    names = ", ".join(step.extractor for _, step in steps)
    return Row(
        key=f"{concept.value}.{steps[0][0]}",
        cells=("  not asked", f"{names}: one before had won"),
        tone="dim",
        tones=((1, "dim"),),
    )
