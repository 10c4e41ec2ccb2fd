# SPDX-License-Identifier: Apache-2.0
"""Projects, and what decides about the sessions that come for them: rules, routing, scripts."""

from __future__ import annotations

from typing import Protocol

from engine.model.archive import Project, RuleText
from engine.model.errors import Problem
from engine.model.prearchive import ActOutcome
from engine.model.remarks import Remark
from engine.model.routing import Route
from engine.model.samples import Sample, SampleResult
from engine.model.scripts import ScriptSummary, ScriptText, WaitingForScript
from engine.model.trials import Trial
from engine.model.what_if import WhatIf


class ProjectsApi(Protocol):
    """Projects, their aliases and codes."""

    async def list(self) -> tuple[Project, ...]: ...
    async def show(self, id: str) -> Project: ...
    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project: ...
    async def set(self, id: str, values: dict[str, str]) -> Project:
        """Set title, description, accessibility, prearchive_code, quarantine_code, release_people,
        release_by, findings_limit or aliases (comma list)."""
        ...


class RulesApi(Protocol):
    """Routing rule lines; scope is `site` or `receiver:{AE}`; concept is project, subject,
    session or autoarchive."""

    async def show(self, scope: str, concept: str) -> RuleText: ...
    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText: ...
    async def check(self, text: str) -> tuple[Problem, ...]:
        """Return the faults of a text, by line and column; none when it can be saved."""
        ...

    async def what_if(self, scope: str, concept: str, text: str, last: int = 100) -> WhatIf:
        """Say which of the last sessions, waiting and filed, would have gone elsewhere if `text`
        had been in force. Nothing is moved."""
        ...


class ScriptsApi(Protocol):
    """Anonymization scripts; scope is `site` or `project:{ID}`."""

    async def list(self) -> tuple[ScriptSummary, ...]:
        """Return the active version of every scope that has a script, that of the site first."""
        ...

    async def show(self, scope: str, version: int = 0) -> ScriptText:
        """Return a version, the active one for 0; version 0 where nobody has written one."""
        ...

    async def set(self, scope: str, text: str, lookups: str = "", reason: str = "") -> ScriptText:
        """Keep a script as the next version and make it the active one. One that makes a sample
        worse needs a reason."""
        ...

    async def check(self, text: str, lookups: str = "") -> tuple[Remark, ...]:
        """Say everything about a script and its lookup table; an error keeps it from being set."""
        ...

    async def try_out(
        self,
        scope: str,
        text: str,
        session: str,
        lookups: str = "",
        scan: str = "",
        file: str = "",
    ) -> Trial:
        """Tell what a text that need not be saved would do to the objects of a session, waiting or
        filed, of a scan, or to one file, beside the version in force. The script of the site is
        tried over objects as they were received for those who may see originals, for others over
        objects as they stand."""
        ...

    async def samples(self, scope: str) -> tuple[Sample, ...]:
        """Return the samples that are kept with a script."""
        ...

    async def add_sample(self, scope: str, name: str, session: str, file: str) -> Sample:
        """Keep an object of an archived session; what the active version makes of it is expected
        of the versions to come."""
        ...

    async def remove_sample(self, scope: str, name: str) -> None: ...
    async def run_samples(
        self, scope: str, text: str, lookups: str = ""
    ) -> tuple[SampleResult, ...]:
        """Try a text over the samples of a scope."""
        ...

    async def waiting(self, scope: str) -> WaitingForScript:
        """Tell with which versions of a script the sessions that wait were made."""
        ...

    async def rerun(self, scope: str, reason: str = "") -> tuple[ActOutcome, ...]:
        """Queue another run of the site's script in force, on what was received, over the waiting
        sessions that another version has made; of a project's there is nothing to run again."""
        ...

    async def enable(self, scope: str) -> ScriptText: ...
    async def disable(self, scope: str) -> ScriptText: ...
    async def activate(self, scope: str, version: int, reason: str = "") -> ScriptText:
        """Make an earlier version the active one again."""
        ...

    async def history(self, scope: str) -> tuple[ScriptSummary, ...]:
        """Return every version, the newest first."""
        ...

    async def diff(self, scope: str, old: int, new: int = 0) -> str:
        """Return what differs between two versions as a unified diff; 0 is the active one."""
        ...


class RoutingApi(Protocol):
    """Where an object would land, and why."""

    async def explain(self, path: str, receiver: str = "") -> Route:
        """Route one file that the engine can read, with a trace."""
        ...

    async def try_rules(self, session: str, scope: str, concept: str, text: str) -> Route:
        """Route a prearchive session's first object as if `text` were in force, with a trace."""
        ...
