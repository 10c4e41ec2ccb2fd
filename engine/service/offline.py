"""What can be asked without an engine that runs: faults of a text of rules, a trace in words.
Neither reads a database."""

from __future__ import annotations

from engine.intake.explanation import explain
from engine.intake.rules import InvalidRules, parse_rules
from engine.model.errors import Problem
from engine.model.routing import Route


def check_rules(text: str, *, path: str = "") -> tuple[Problem, ...]:
    """Find the faults of a text of routing rule lines; `path` says where it came from."""
    try:
        parse_rules(text)
    except InvalidRules as error:
        return tuple(
            Problem(message=one.sentence, line=one.line, column=one.column, path=path)
            for one in error.problems
        )
    return ()


def explain_route(route: Route) -> list[str]:
    """Tell a route and its trace in lines for people. They may hold PHI."""
    return explain(route)
