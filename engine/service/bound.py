# SPDX-License-Identifier: Apache-2.0
"""The engine as one actor sees it: each noun of the service, bound to the actor. The nouns are
implemented in their own modules, the engine in `engine.service.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.service.acceptances import Acceptances
from engine.service.archive import Archive
from engine.service.audit import Audit
from engine.service.commitments import Commitments
from engine.service.events import Events
from engine.service.held import Held
from engine.service.jobs import Jobs
from engine.service.live import Live
from engine.service.prearchive import Prearchive
from engine.service.projects import Projects
from engine.service.receivers import Receivers
from engine.service.remotes import Remotes
from engine.service.routing import Routing
from engine.service.rules import Rules
from engine.service.scripts import Scripts
from engine.service.system import System

if TYPE_CHECKING:
    from engine.service.engine import Engine


class BoundEngine:
    """An engine bound to an actor; satisfies `EngineApi`."""

    def __init__(self, engine: Engine, actor: str) -> None:
        context = engine.context
        self.prearchive = Prearchive(context, engine.buffer, engine.configuration, actor)
        self.archive = Archive(context, engine.verifying, actor)
        self.projects = Projects(context, engine.apply_configuration, actor)
        self.rules = Rules(context, engine.apply_configuration, actor)
        self.scripts = Scripts(context, engine.apply_configuration, actor)
        self.routing = Routing(context, engine.configuration, engine.guard)
        self.receivers = Receivers(
            context.archive_db, engine.configuration, engine.apply_configuration, actor
        )
        self.remotes = Remotes(context, engine.buffer, actor)
        self.acceptances = Acceptances(context, self.prearchive, engine.buffer, actor)
        self.live = Live(context)
        self.held = Held(
            context, engine.buffer, engine.configuration, engine.guard, engine.releasing, actor
        )
        self.commitments = Commitments(context, engine.committing, engine.buffer, actor)
        self.jobs = Jobs(context, self.prearchive, self.remotes)
        self.audit = Audit(context, actor)
        self.events = Events(engine.buffer)
        self.system = System(engine, actor)
