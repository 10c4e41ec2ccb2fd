# SPDX-License-Identifier: Apache-2.0
"""An engine in memory as its actors see it."""

from __future__ import annotations

from engine.model.people import Actor, operator
from engine.service import api
from engine.service.api import EngineApi
from tests.memory.acceptances import Acceptances
from tests.memory.archive import Archive
from tests.memory.commitments import Commitments
from tests.memory.comparison import Comparing
from tests.memory.configuration import Projects, Receivers, Routing, Rules
from tests.memory.desk import ReviewDesk
from tests.memory.facts import Facts
from tests.memory.findings import FindingsOfSessions
from tests.memory.held import Held
from tests.memory.live import Audit, Events, Jobs, Live, System
from tests.memory.moments import Moments
from tests.memory.people import People, Recognition
from tests.memory.pictures import Pictures
from tests.memory.prearchive import Prearchive
from tests.memory.quarantine import Quarantine
from tests.memory.remotes import Remotes
from tests.memory.scripts import Scripts
from tests.memory.settings import SiteSettings


class EngineInMemory(EngineApi):
    """An engine in memory, asked on behalf of one actor."""

    def __init__(self, facts: Facts, actor: str, asking: Actor | None = None) -> None:
        """Act for a name; `asking` says what whoever has it is let do, everything if not given."""
        self.prearchive = Prearchive(facts, actor)
        self.desk = ReviewDesk(facts, actor)
        self.findings = FindingsOfSessions(facts, actor)
        self.archive = Archive(facts, actor)
        self.comparison = Comparing(facts, actor)
        self.pictures = Pictures(facts, actor)
        self.quarantine = Quarantine(facts, actor)
        self.projects = Projects(facts, actor)
        self.rules = Rules(facts, actor)
        self.scripts = Scripts(facts, actor)
        self.routing = Routing(facts, actor)
        self.receivers = Receivers(facts, actor)
        self.remotes = Remotes(facts, actor)
        self.acceptances = Acceptances(facts, actor)
        self.live = Live(facts, actor)
        self.held = Held(facts, actor)
        self.commitments = Commitments(facts, actor)
        self.jobs = Jobs(facts, actor)
        self.moments = Moments(facts, actor)
        self.settings = SiteSettings(facts, actor)
        self.people = People(facts, asking or operator(actor))
        self.audit = Audit(facts, actor)
        self.events = Events(facts, actor)
        self.system = System(facts, actor)


class HostInMemory:
    """What a server can serve: an engine in memory for whoever asks."""

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.recognition = Recognition(self.facts)

    def acting(self, actor: Actor | str) -> api.EngineApi:
        """Return the engine as one actor sees it."""
        if isinstance(actor, str):
            return EngineInMemory(self.facts, actor)
        return EngineInMemory(self.facts, actor.name, actor)
