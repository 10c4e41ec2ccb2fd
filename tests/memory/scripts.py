# SPDX-License-Identifier: Apache-2.0
"""The anonymization scripts of an engine in memory."""

from __future__ import annotations

from dataclasses import fields, replace

from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidInput, NotFound
from engine.model.prearchive import ActOutcome
from engine.model.remarks import Remark
from engine.model.samples import Sample, SampleResult
from engine.model.scripts import (
    SITE,
    ScriptSummary,
    ScriptText,
    WaitingForScript,
    project_of,
)
from engine.model.trials import Trial
from engine.service.offline import check_script
from engine.service.scripts import compare, sound
from tests.memory.facts import NOON, Asked

Versions = list[ScriptText]


class Scripts(Asked):
    async def list(self) -> tuple[ScriptSummary, ...]:
        active = [
            summary(one)
            for versions in self.facts.scripts.values()
            for one in versions
            if one.active
        ]
        return tuple(sorted(active, key=lambda one: (one.scope != SITE, one.scope)))

    async def show(self, scope: str, version: int = 0) -> ScriptText:
        versions = self._of(scope)
        if not versions and not version:
            return ScriptText(scope=scope)
        for one in versions:
            if one.version == version or (not version and one.active):
                return one
        raise NotFound(f"{scope} has no version {version} of a script")

    async def set(self, scope: str, text: str, lookups: str = "", reason: str = "") -> ScriptText:
        remarks = sound(text, lookups)
        versions = self._of(scope)
        now = await self.show(scope)
        if versions and (now.text, now.lookups) == (text, lookups):
            return replace(now, remarks=remarks)
        made = ScriptText(
            scope=scope,
            version=len(versions) + 1,
            id=f"scr_{scope[-1]}{len(versions) + 1:07}",
            enabled=now.enabled if versions else True,
            active=True,
            language=6 if "version" in text else 4,
            at=NOON,
            author=self.actor,
            reason=reason,
            text=text,
            lookups=lookups,
        )
        self.facts.scripts[scope] = [*(replace(one, active=False) for one in versions), made]
        return replace(made, remarks=remarks)

    async def check(self, text: str, lookups: str = "") -> tuple[Remark, ...]:
        return check_script(text, lookups=lookups)

    async def try_out(
        self,
        scope: str,
        text: str,
        session: str,
        lookups: str = "",
        scan: str = "",
        file: str = "",
    ) -> Trial:
        sound(text, lookups)
        self._of(scope)
        return self.facts.trials.get(session) or Trial(scope=scope)

    async def samples(self, scope: str) -> tuple[Sample, ...]:
        self._of(scope)
        return tuple(one.sample for one in self.facts.samples if one.sample.scope == scope)

    async def add_sample(self, scope: str, name: str, session: str, file: str) -> Sample:
        self._of(scope)
        sample = Sample(
            scope=scope,
            name=name,
            session=session,
            file=file,
            outcome=ScriptOutcome.CHANGED,
            at=NOON,
            author=self.actor,
        )
        self.facts.samples.append(
            SampleResult(sample=sample, tried=ScriptOutcome.CHANGED, same_changes=True)
        )
        return sample

    async def remove_sample(self, scope: str, name: str) -> None:
        self._of(scope)
        self.facts.samples = [one for one in self.facts.samples if one.sample.name != name]

    async def run_samples(
        self, scope: str, text: str, lookups: str = ""
    ) -> tuple[SampleResult, ...]:
        sound(text, lookups)
        return tuple(one for one in self.facts.samples if one.sample.scope == scope)

    async def waiting(self, scope: str) -> WaitingForScript:
        self._of(scope)
        return self.facts.script_waiting.get(scope) or WaitingForScript(scope=scope)

    async def rerun(self, scope: str, reason: str = "") -> tuple[ActOutcome, ...]:
        waiting = await self.waiting(scope)
        return tuple(
            ActOutcome(id=f"pre_{number}", done=True, message="queued")
            for number in range(waiting.behind)
        )

    async def enable(self, scope: str) -> ScriptText:
        return await self._turn(scope, True)

    async def disable(self, scope: str) -> ScriptText:
        return await self._turn(scope, False)

    async def activate(self, scope: str, version: int, reason: str = "") -> ScriptText:
        await self.show(scope, version)
        self.facts.scripts[scope] = [
            replace(one, active=one.version == version) for one in self._of(scope)
        ]
        return await self.show(scope, version)

    async def history(self, scope: str) -> tuple[ScriptSummary, ...]:
        return tuple(summary(one) for one in reversed(self._of(scope)))

    async def diff(self, scope: str, old: int, new: int = 0) -> str:
        return compare(await self.show(scope, old), await self.show(scope, new))

    async def _turn(self, scope: str, enabled: bool) -> ScriptText:
        versions = self._of(scope)
        if not versions:
            raise NotFound(f"{scope} has no script yet", hint="write one: anteroom script set")
        self.facts.scripts[scope] = [replace(one, enabled=enabled) for one in versions]
        return await self.show(scope)

    def _of(self, scope: str) -> Versions:
        project = project_of(scope)
        if scope != SITE and project is None:
            raise InvalidInput(f"{scope!r} has no script", hint="use site, or project:ID")
        if project is not None and project not in self.facts.projects:
            raise NotFound(f"there is no project {project}", hint="list the projects")
        return self.facts.scripts.get(scope, [])


def summary(one: ScriptText) -> ScriptSummary:
    """Leave the texts out."""
    return ScriptSummary(**{each.name: getattr(one, each.name) for each in fields(ScriptSummary)})
