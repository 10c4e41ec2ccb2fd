# SPDX-License-Identifier: Apache-2.0
"""`anteroom script waiting` and `rerun`: what a change of a script means for sessions that wait."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Reason
from console.commands.output import say, say_json
from console.commands.waiting import Wait, end
from engine.model.scripts import SITE, project_scope
from engine.model.states import Verb
from engine.service.api import EngineApi

Project = Annotated[
    str, typer.Option("--project", metavar="P", help="That of a project; else the site's.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""

    @asks(app, "waiting", alone=True)
    async def waiting(engine: EngineApi, project: Project = "", as_json: Json = False) -> None:
        """Tell with which versions of a script the sessions that wait were made."""
        found = await engine.scripts.waiting(project_scope(project) if project else SITE)
        if as_json:
            say_json(found)
        else:
            say(str(found))

    @asks(app, "rerun", alone=True)
    async def rerun(
        engine: EngineApi,
        project: Project = "",
        reason: Reason = "",
        wait: Wait = True,
        as_json: Json = False,
    ) -> None:
        """Run the script in force over waiting sessions that another version has made.

        It runs on objects as they were received, where that is kept. Of a project there is nothing
        to run again: its script runs when sessions are filed.
        """
        outcomes = await engine.scripts.rerun(project_scope(project) if project else SITE, reason)
        if not outcomes and not as_json:
            say("no session waits that another version has made")
            return
        await end(engine, Verb.RELABEL, outcomes, wait, as_json)
