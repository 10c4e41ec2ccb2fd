# SPDX-License-Identifier: Apache-2.0
"""`anteroom apply`: the configuration is brought to what files say. The difference is shown before
anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import say, say_json
from console.configuration import applying
from console.configuration.applying import Act, Difference, Work
from console.configuration.kinds import said
from engine.model.measures import say_count
from engine.service.api import EngineApi

_MARKS = {Act.ADD: "+", Act.CHANGE: "~", Act.REMOVE: "-"}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "apply", alone=True)(apply)


async def apply(
    engine: EngineApi,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files are.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference, and change nothing.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Also take away what the files do not name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the configuration to what files say; the difference is shown first."""
    work = await applying.plan(engine, folder, remove=remove)
    if not as_json:
        for one in work:
            _say(one)
    if not dry_run:
        await applying.carry_out(engine, work)
    if as_json:
        say_json([_row(one) for one in work])
        return
    for one in work:
        if one.left:
            say(f"left: {one.step.kind} {one.step.name}: {one.left}")
    wanted = [one for one in work if not one.left]
    if not wanted:
        say("everything is as the files say")
    else:
        verb = "would be made" if dry_run else "made"
        say(f"{say_count(len(wanted), 'change')} {verb}")


def _say(one: Work) -> None:
    if one.left:
        return
    say(f"{_MARKS[one.step.act]} {one.step.kind} {one.step.name}")
    for difference in one.step.differences:
        for line in _lines(difference, one.step.act):
            say(f"    {line}")


def _lines(one: Difference, act: Act) -> Iterator[str]:
    before, after = said(one.before), said(one.after)
    if one.secret:
        counts = f"{len(before.splitlines())} -> {len(after.splitlines())}"
        yield f"{one.field}: differs ({counts} lines)"
    elif "\n" in before + after:
        yield f"{one.field}:"
        # Without the heading: the name stands above.
        lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
        yield from (f"  {line}" for line in list(lines)[2:])
    elif act is Act.ADD:
        yield f"{one.field}: {after}"
    else:
        yield f"{one.field}: {before or 'nothing'} -> {after or 'nothing'}"


def _row(one: Work) -> dict[str, object]:
    return {
        "act": one.step.act,
        "kind": one.step.kind,
        "name": one.step.name,
        "differences": _told(one.step.differences),
        "done": one.done,
        "left": one.left,
    }


def _told(differences: Sequence[Difference]) -> list[dict[str, object]]:
    return [
        {"field": one.field} | ({} if one.secret else {"before": one.before, "after": one.after})
        for one in differences
    ]
