# SPDX-License-Identifier: Apache-2.0
"""`anteroom doctor`: the engine checks itself, and reports each finding with its consequence and
its remedy."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json
from console.commands.output import GAP, say, say_json
from engine.model.health import Check, Finding
from engine.service.api import EngineApi

MARKS = {Finding.FAILED: "x", Finding.LOOK: "!", Finding.GOOD: "ok"}
INDENT = GAP + " " * max(map(len, MARKS.values()))


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "doctor")(doctor)


async def doctor(
    engine: EngineApi,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also count files and verify the audit trail.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look whether all is well, the worst first; exits with 1 when something has failed."""
    checks = await engine.system.checks(thorough)
    if as_json:
        say_json(checks)
    else:
        for check in checks:
            _say(check)
    if any(check.finding is Finding.FAILED for check in checks):
        raise typer.Exit(FAILED)


def _say(check: Check) -> None:
    say(f"{MARKS[check.finding]:<2}{GAP}{check.name}: {check.found}")
    if check.consequence:
        say(f"{INDENT}{check.consequence}")
    for step in check.remedy:
        say(f"{INDENT}- {step}")
