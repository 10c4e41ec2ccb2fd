# SPDX-License-Identifier: Apache-2.0
"""`anteroom status`: the health of the engine of a home."""

from __future__ import annotations

from datetime import timedelta

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import say, say_facts, say_json, size, words
from engine.model.live import EngineStatus
from engine.model.measures import say_span
from engine.service.api import EngineApi


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "status")(status)


async def status(engine: EngineApi, as_json: Json = False) -> None:
    """Say how the engine is: receivers, sessions, accounts, disk, problems."""
    found = await engine.system.status()
    if as_json:
        say_json(found)
        return
    counts = found.accounts.counts
    say_facts(
        {
            "engine": f"{found.version}, process {found.pid} on {found.node}",
            "home": found.home,
            "started": found.started,
            "receivers": tuple(
                f"{one.ae_title}:{one.port} {'listening' if one.listening else 'stopped'}"
                for one in found.receivers
            ),
            "workers": f"{found.workers}, {found.associations} associations open",
            "prearchive": tuple(
                f"{count} {name}" for name, count in found.sessions.items() if count
            )
            or "empty",
            "archive": f"{found.archived} session{'' if found.archived == 1 else 's'}",
            "received": f"{found.accounts.received} objects",
            "of these": tuple(f"{count} {place}" for place, count in counts.items() if count),
            "at the script": f"{found.staged} of the waiting" if found.staged else "none",
            "disk": _disk(found),
        }
    )
    for wrong in found.imbalances:
        say(f"! the accounts do not add up: {wrong.said()}, since {words(wrong.since)}")
    for problem in found.problems:
        say(f"! {problem}")


def _disk(found: EngineStatus) -> str:
    told = f"{size(found.disk_free)} of {size(found.disk_total)} free"
    if found.disk_keep and found.disk_free < found.disk_keep:
        return f"{told}; senders are refused: {size(found.disk_keep)} are to stay free"
    if found.disk_full_in is None:
        return told
    return f"{told}, full in {say_span(timedelta(seconds=found.disk_full_in))} at the last rate"
