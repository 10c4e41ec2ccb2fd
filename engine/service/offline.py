# SPDX-License-Identifier: Apache-2.0
"""What needs no running engine: errors in rules or scripts, a routing trace as text, and the script
of the confidentiality profile. Nothing here reads a database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.anonymize.language import check, migration
from engine.anonymize.language.lookups import read_table
from engine.anonymize.profile import generator
from engine.anonymize.profile.table import Option
from engine.model.errors import Problem
from engine.model.remarks import Remark
from engine.model.routing import Route
from engine.model.scripts import MigratedScript
from engine.routing.explanation import explain
from engine.routing.rules import InvalidRules, parse_rules


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


LOOKUPS = "lookup table"
"""What remarks about a lookup table name as their file, where nobody names another."""


def check_script(text: str, *, path: str = "", lookups: str = "") -> tuple[Remark, ...]:
    """Say everything about an anonymization script, then about its lookup table; `path` says where
    the script came from."""
    _, remarks = read_table(lookups)
    return (*check.check(text, path=path), *(replace(one, path=LOOKUPS) for one in remarks))


def migrate_script(text: str, *, path: str = "") -> MigratedScript:
    """Turn a script of version 4.2 into version 6, as far as that is possible."""
    turned = migration.migrate(text)
    remarks = tuple(replace(one, path=path) for one in turned.remarks)
    return replace(turned, remarks=remarks)


def profile_script(options: Collection[str], *, date_shift: int | None = None) -> str:
    """Write the confidentiality profile of DICOM as a script, with the options of these names."""
    chosen = frozenset(Option(name) for name in options)
    if date_shift is None:
        return generator.profile_script(chosen)
    return generator.profile_script(chosen | {Option.MODIFIED_DATES}, date_shift=date_shift)


def explain_route(route: Route) -> list[str]:
    """Tell a route and its trace in lines for people. They may hold PHI."""
    return explain(route)
