# SPDX-License-Identifier: Apache-2.0
"""Which sessions of the prearchive a command is about: those that are named, or all that a filter
finds; and what it would do to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Annotated

import typer

from console.commands.output import say, say_json
from console.transfer import windows
from engine.model.filters import parse_filter
from engine.model.prearchive import (
    PREARCHIVE_FIELDS,
    ActOutcome,
    PrearchivePage,
    PrearchiveQuery,
)
from engine.model.states import Verb
from engine.service.api import EngineApi

WINDOW = 500

Some = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SESSION...]", help="Id, URL or label; or --where."),
]
All = Annotated[
    str,
    typer.Option(
        "--where", metavar="FILTER", help="All that this finds, such as 'project:P status:ready'."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done to how many; nothing is done.")
]


async def selected(
    engine: EngineApi, names: Sequence[str] | None, where: str = ""
) -> tuple[str, ...]:
    """Return the ids of the sessions that are meant.

    Raises:
        BadParameter: if none are named and nothing says which, or both are given.
    """
    if bool(names) == bool(where.strip()):
        raise typer.BadParameter("name sessions, or say with --where which are meant")
    if names:
        return tuple(dict.fromkeys([await engine.prearchive.find(name) for name in names]))
    found = parse_filter(where, PREARCHIVE_FIELDS)
    # In an order that what arrives meanwhile does not change.
    query = PrearchiveQuery(
        text=found.text, where=found.conditions, sort="uploaded", descending=False
    )

    def ask(offset: int, size: int) -> Awaitable[PrearchivePage]:
        return engine.prearchive.list(query, offset=offset, limit=size)

    return tuple(dict.fromkeys([row.id async for row in windows.rows(ask, window=WINDOW)]))


async def foretell(
    engine: EngineApi, verb: Verb, ids: Sequence[str], as_json: bool, project: str = ""
) -> None:
    """Say what a verb would do to sessions."""
    outcomes = await engine.prearchive.would(verb, tuple(ids), project)
    if as_json:
        say_json(outcomes)
        return
    for line in foretold(verb, outcomes):
        say(line)


def foretold(verb: Verb, outcomes: Sequence[ActOutcome]) -> list[str]:
    """Say it in lines: how many of how many, then the reasons of those that are refused."""
    refused = [one for one in outcomes if not one.done]
    lines = [f"{verb.value} {len(outcomes) - len(refused)} of {len(outcomes)}"]
    if refused:
        lines[0] += f"; {len(refused)} refused:"
    # Each says its own id; alike they are one line.
    alike = Counter(one.message.replace(one.id, "it") for one in refused)
    lines += [f"  {count}  {reason}" for reason, count in alike.most_common()]
    return lines
