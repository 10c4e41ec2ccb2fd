"""What can be asked without an engine that runs: faults of a text of rules or of a script, a trace
in words. None reads a database."""

from __future__ import annotations

from engine.anonymize import check
from engine.intake.explanation import explain
from engine.intake.rules import InvalidRules, parse_rules
from engine.model.errors import Problem
from engine.model.remarks import Remark
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


def check_script(text: str, *, path: str = "") -> tuple[Remark, ...]:
    """Say everything about an anonymization script; `path` says where it came from."""
    return check.check(text, path=path)


def explain_route(route: Route) -> list[str]:
    """Tell a route and its trace in lines for people. They may hold PHI."""
    return explain(route)
