# SPDX-License-Identifier: Apache-2.0
"""The engine as one actor sees it: each noun of the service, bound to the actor, behind the gate.
The nouns are implemented in their own modules, the engine in `engine.service.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.people import Actor
from engine.service.acceptances import Acceptances
from engine.service.api import EngineApi
from engine.service.archive import Archive
from engine.service.audit import Audit
from engine.service.commitments import Commitments
from engine.service.comparing import Comparing
from engine.service.contents import Waiting
from engine.service.desk import ReviewDesk
from engine.service.events import Events
from engine.service.findings import FindingsOfSessions
from engine.service.gate import Gate
from engine.service.held import Held
from engine.service.jobs import Jobs
from engine.service.live import Live
from engine.service.moments import Moments
from engine.service.people import People
from engine.service.pictures import Pictures
from engine.service.prearchive import Prearchive
from engine.service.projects import Projects
from engine.service.quarantine import Quarantine
from engine.service.receivers import Receivers
from engine.service.remotes import Remotes
from engine.service.routing import Routing
from engine.service.rules import Rules
from engine.service.scripts import Scripts
from engine.service.site_settings import SiteSettings
from engine.service.system import System

if TYPE_CHECKING:
    from engine.service.engine import Engine


class BoundEngine(EngineApi):
    """An engine bound to an actor."""

    def __init__(self, engine: Engine, actor: Actor) -> None:
        context, name = engine.context, actor.name
        prearchive = Prearchive(
            context, engine.buffer, engine.configuration, actor, engine.reviewing
        )
        archive = Archive(context, engine.verifying, actor)
        remotes = Remotes(context, engine.buffer, actor)
        nouns = {
            "prearchive": prearchive,
            "desk": ReviewDesk(
                context, engine.buffer, engine.pace, engine.presence, prearchive, actor
            ),
            "findings": FindingsOfSessions(context, engine.buffer, name),
            "archive": archive,
            "comparison": Comparing(prearchive, archive, actor),
            "pictures": Pictures(engine.picturing, Waiting(context), archive),
            "quarantine": Quarantine(
                context, engine.buffer, actor, lambda: engine.configuration.roster
            ),
            "projects": Projects(context, engine.apply_configuration, actor),
            "rules": Rules(context, engine.configuration, engine.apply_configuration, name),
            "scripts": Scripts(
                context,
                engine.buffer,
                engine.apply_configuration,
                engine.check_guard,
                engine.trial_guard,
                actor,
            ),
            "routing": Routing(context, engine.configuration, engine.guard),
            "receivers": Receivers(
                context.archive_db, engine.configuration, engine.apply_configuration, name
            ),
            "remotes": remotes,
            "acceptances": Acceptances(context, prearchive, engine.buffer, name),
            "live": Live(context, actor),
            "held": Held(
                context, engine.buffer, engine.configuration, engine.guard, engine.releasing, name
            ),
            "commitments": Commitments(context, engine.committing, engine.buffer, name),
            "jobs": Jobs(context, prearchive, remotes),
            "moments": Moments(context),
            "settings": SiteSettings(
                context, engine.file_settings, engine.apply_configuration, name
            ),
            "people": People(context, engine.recognition, engine.apply_configuration, actor),
            "audit": Audit(context, engine.noting, name),
            "events": Events(engine.buffer),
            "system": System(engine, name),
        }
        gate = Gate(context, actor, prearchive, engine.witness)
        for noun, implementation in nouns.items():
            setattr(self, noun, gate.before(noun, implementation))
