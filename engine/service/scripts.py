# SPDX-License-Identifier: Apache-2.0
"""The noun `scripts`: anonymization scripts are stored, activated and compared. A script with
errors is not stored; scripts are run here only to try them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from difflib import unified_diff

from sqlalchemy.ext.asyncio import AsyncSession

from engine.anonymize import shipped
from engine.anonymize.check_guard import CheckGuard
from engine.anonymize.language.parser import invalid, language_of
from engine.archive import scripts
from engine.intake.trial_guard import TrialGuard
from engine.jobs.context import JobContext
from engine.model.errors import Conflict, InvalidInput, InvalidScript
from engine.model.people import Actor
from engine.model.prearchive import ActOutcome
from engine.model.remarks import Remark, Severity
from engine.model.samples import Sample, SampleResult
from engine.model.scripts import ScriptSummary, ScriptText, WaitingForScript
from engine.model.trials import Trial
from engine.service.configuration import Apply
from engine.service.event_buffer import EventBuffer
from engine.service.offline import LOOKUPS, check_script
from engine.service.rerunning import Rerunning
from engine.service.sampling import Sampling
from engine.service.trying import Trying

LONGEST_TABLE = 16 * 1024 * 1024
"""Characters of a lookup table: every worker is given it with each change of configuration."""


class Scripts:
    """Anonymization scripts of the site and of projects."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        apply: Apply,
        guard: CheckGuard,
        trials: TrialGuard,
        actor: Actor,
    ) -> None:
        """Act for one actor; `apply` puts a change into force, `guard` checks what was written, and
        `trials` tries it."""
        self._archive = context.archive_db
        self._apply = apply
        self._guard = guard
        self._actor = actor.name
        self._trying = Trying(context, trials, actor)
        self._sampling = Sampling(context, self._trying, actor.name)
        self._rerunning = Rerunning(context, buffer, actor.name)

    async def list(self) -> tuple[ScriptSummary, ...]:
        """Return the active version of every scope that has a script."""
        async with self._archive.read() as transaction:
            return await scripts.all_of(transaction)

    async def show(self, scope: str, version: int = 0) -> ScriptText:
        """Return a version, the active one for 0."""
        async with self._archive.read() as transaction:
            return await scripts.show(transaction, scope, version)

    async def set(self, scope: str, text: str, lookups: str = "", reason: str = "") -> ScriptText:
        """Keep a script as the next version and make it the active one, once it has no fault."""
        remarks = await asyncio.to_thread(sound, text, lookups, self._check)
        tried = await self._sampling.run(scope, text, lookups)
        worse = [one for one in tried if one.is_worse]
        if worse and not reason.strip():
            raise Conflict(
                f"it makes samples worse: {'; '.join(str(one) for one in worse)}",
                hint="mend the script, or say with a reason why it is to be so",
            )
        new = scripts.NewScript(
            text=text, lookups=lookups, language=language_of(text), reason=reason
        )
        async with self._archive.write() as transaction:
            written = await scripts.write(transaction, scope, new, actor=self._actor)
        await self._apply()
        return replace(written, remarks=remarks, samples=tried)

    async def check(self, text: str, lookups: str = "") -> tuple[Remark, ...]:
        """Say everything about a script and its lookup table."""
        return await asyncio.to_thread(self._check, text, lookups)

    async def try_out(
        self,
        scope: str,
        text: str,
        session: str,
        lookups: str = "",
        scan: str = "",
        file: str = "",
    ) -> Trial:
        """Tell what a text would do to a session's objects, beside the version in force."""
        await asyncio.to_thread(sound, text, lookups, self._check)
        return await self._trying.run(scope, text, lookups, session, scan, file)

    async def samples(self, scope: str) -> tuple[Sample, ...]:
        """Return the samples that are kept with a script."""
        return await self._sampling.list(scope)

    async def add_sample(self, scope: str, name: str, session: str, file: str) -> Sample:
        """Keep an object of an archived session, with what the active version makes of it."""
        return await self._sampling.add(scope, name, session, file)

    async def remove_sample(self, scope: str, name: str) -> None:
        """Keep a sample no longer."""
        await self._sampling.remove(scope, name)

    async def run_samples(
        self, scope: str, text: str, lookups: str = ""
    ) -> tuple[SampleResult, ...]:
        """Try a text over the samples of a scope."""
        await asyncio.to_thread(sound, text, lookups, self._check)
        return await self._sampling.run(scope, text, lookups)

    async def waiting(self, scope: str) -> WaitingForScript:
        """Tell with which versions of a script the sessions that wait were made."""
        return await self._rerunning.waiting(scope)

    async def rerun(self, scope: str, reason: str = "") -> tuple[ActOutcome, ...]:
        """Queue another run of the site's script over sessions that another version has made."""
        return await self._rerunning.rerun(scope, reason)

    async def enable(self, scope: str) -> ScriptText:
        """Let the script of a scope run."""
        return await self._turn(scope, True)

    async def disable(self, scope: str) -> ScriptText:
        """Let no script run for a scope."""
        return await self._turn(scope, False)

    async def activate(self, scope: str, version: int, reason: str = "") -> ScriptText:
        """Make an earlier version the active one again, if it still has no fault."""
        earlier = await self.show(scope, version)
        await asyncio.to_thread(sound, earlier.text, earlier.lookups, self._check)
        async with self._archive.write() as transaction:
            active = await scripts.activate(
                transaction, scope, version, actor=self._actor, reason=reason
            )
        await self._apply()
        return active

    async def history(self, scope: str) -> tuple[ScriptSummary, ...]:
        """Return every version, the newest first."""
        async with self._archive.read() as transaction:
            return await scripts.versions(transaction, scope)

    async def diff(self, scope: str, old: int, new: int = 0) -> str:
        """Return what differs between two versions as a unified diff; 0 is the active one."""
        async with self._archive.read() as transaction:
            before = await scripts.show(transaction, scope, old)
            after = await scripts.show(transaction, scope, new)
        return await asyncio.to_thread(compare, before, after)

    def _check(self, text: str, lookups: str) -> tuple[Remark, ...]:
        of_script, of_table = self._guard.check(text, lookups)
        return (*of_script, *(replace(one, path=LOOKUPS) for one in of_table))

    async def _turn(self, scope: str, enabled: bool) -> ScriptText:
        async with self._archive.write() as transaction:
            turned = await scripts.enable(transaction, scope, enabled, actor=self._actor)
        await self._apply()
        return turned


def _unguarded(text: str, lookups: str) -> tuple[Remark, ...]:
    return check_script(text, lookups=lookups)


def sound(
    text: str,
    lookups: str = "",
    check: Callable[[str, str], tuple[Remark, ...]] = _unguarded,
) -> tuple[Remark, ...]:
    """Return the warnings about a script; raises `InvalidScript` with all errors where there
    are."""
    if len(lookups) > LONGEST_TABLE:
        raise InvalidInput(f"a lookup table has at most {LONGEST_TABLE:,} characters")
    remarks = check(text, lookups)
    errors = tuple(one for one in remarks if one.severity is Severity.ERROR)
    if not errors:
        return remarks
    if any(one.path for one in errors):
        raise InvalidScript(
            "the script or its lookup table has faults",
            hint="correct the places named; nothing was saved",
            problems=errors,
        )
    raise invalid(errors)


def compare(before: ScriptText, after: ScriptText) -> str:
    """Return what differs between two versions and their lookup tables as a unified diff."""
    pieces: list[str] = []
    for kind, old, new in (
        ("script", before.text, after.text),
        ("lookup table", before.lookups, after.lookups),
    ):
        pieces += unified_diff(
            old.splitlines(),
            new.splitlines(),
            f"{before.scope} {kind}, version {before.version}",
            f"{after.scope} {kind}, version {after.version}",
            lineterm="",
        )
    return "\n".join(pieces)


async def ship(transaction: AsyncSession, *, enabled: bool) -> None:
    """Store the site script that comes with the program in a new home."""
    text = shipped.text_of(shipped.SITE_DEFAULT)
    await scripts.ship(transaction, text, language=language_of(text), enabled=enabled)
