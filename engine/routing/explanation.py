# SPDX-License-Identifier: Apache-2.0
"""A routing trace as lines of plain text. A screen that needs more uses the steps of the trace."""

from __future__ import annotations

from itertools import groupby

from engine.model.routing import Concept, Route, TraceStep, Verdict

_TITLES = {
    Concept.PROJECT: "Project",
    Concept.SUBJECT: "Subject",
    Concept.SESSION: "Session",
    Concept.AUTO_ARCHIVE: "Auto-archive",
}


def explain(route: Route, *, values: bool = True) -> list[str]:
    """Tell a route and its trace in lines, a head for each concept and its steps indented.

    The lines may hold PHI. With `values=False` they hold no text of the header: neither what was
    read nor what came of it.
    """
    lines: list[str] = []
    for concept in Concept:
        lines.append(f"{_TITLES[concept]:<14}{_result(route, concept, values)}")
        steps = [step for step in route.trace if step.concept is concept]
        for asked, group in groupby(steps, key=lambda step: step.verdict is not Verdict.NOT_ASKED):
            if asked:
                lines.extend(_step(step, values) for step in group)
            else:
                lines.append("    " + ", ".join(step.extractor for step in group) + ": not asked")
    return lines


def _result(route: Route, concept: Concept, values: bool) -> str:
    if concept is Concept.AUTO_ARCHIVE:
        if route.auto_archive is not None:
            return "yes" if route.auto_archive else "no"
        return "no, without a project" if route.project is None else "as the project's code says"
    if concept is Concept.PROJECT:
        return visible(route.project) if route.project is not None else "none: Unassigned"
    label = route.subject if concept is Concept.SUBJECT else route.session
    if label is None:
        return "none"
    return visible(label) if values else "found"


def _step(step: TraceStep, values: bool) -> str:
    head = ("  ✓ " if step.verdict is Verdict.WON else "    ") + step.extractor
    if step.element:
        head += " " + step.element
    story = "" if step.verdict is Verdict.WON else step.verdict.value
    if values and step.saw:
        story = f"“{visible(step.saw)}”" + (", " + story if story else "")
    if values and step.found and step.found != step.saw:
        story += f" → “{visible(step.found)}”"
    if step.note:
        story += ("; " if story else "") + step.note
    return f"{head}: {story.strip()}" if story else head


def visible(text: str) -> str:
    """Write out what a terminal would obey or hide: controls, line ends, bidi marks."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
