# SPDX-License-Identifier: Apache-2.0
"""Samples that are kept with scripts: they are tried whenever a script is saved, so that nobody
makes one worse without knowing."""

from __future__ import annotations

import hashlib
import hmac

from engine.archive import samples, scripts, secrets, sessions
from engine.jobs.context import JobContext
from engine.model.changes import ScriptOutcome
from engine.model.errors import Conflict, EngineError, InvalidInput, Problem
from engine.model.samples import Sample, SampleResult
from engine.model.trials import Standing, Trial
from engine.service.trying import Trying


class Sampling:
    """For one actor."""

    def __init__(self, context: JobContext, trying: Trying, actor: str) -> None:
        """Try samples as anything else is tried."""
        self._context = context
        self._trying = trying
        self._actor = actor

    async def list(self, scope: str) -> tuple[Sample, ...]:
        """Return the samples of a scope."""
        async with self._context.archive_db.read() as transaction:
            await scripts.show(transaction, scope)
            return tuple(one for one, _ in await samples.of(transaction, scope))

    async def add(self, scope: str, name: str, session: str, file: str) -> Sample:
        """Keep an object of an archived session, with what the active version makes of it.

        Raises:
            NotFound: there is no such archived session or file. What waits is no sample.
        """
        if not file:
            raise InvalidInput("a sample is one file of a session: name it")
        async with self._context.archive_db.read() as transaction:
            accession = (await sessions.card(transaction, session)).accession
            active = await scripts.show(transaction, scope)
        if not active.version:
            raise Conflict(f"{scope} has no script yet: there is nothing to expect")
        told = await self._trying.run(scope, active.text, active.lookups, accession, "", file)
        outcome = _outcome(told)
        if outcome is None:
            raise Conflict(f"it cannot be a sample: {_problem(told)}")
        sample = samples.new(scope, name, accession, file, outcome, self._actor)
        digest = _digest(told, await self._key())
        async with self._context.archive_db.write() as transaction:
            await samples.add(transaction, sample, digest)
        return sample

    async def remove(self, scope: str, name: str) -> None:
        """Keep a sample no longer."""
        async with self._context.archive_db.write() as transaction:
            await samples.remove(transaction, scope, name, actor=self._actor)

    async def run(self, scope: str, text: str, lookups: str) -> tuple[SampleResult, ...]:
        """Try a text over every sample of a scope."""
        async with self._context.archive_db.read() as transaction:
            kept = await samples.of(transaction, scope)
        if not kept:
            return ()
        key = await self._key()
        return tuple([await self._one(one, digest, text, lookups, key) for one, digest in kept])

    async def _one(
        self, sample: Sample, digest: str, text: str, lookups: str, key: bytes
    ) -> SampleResult:
        try:
            told = await self._trying.run(
                sample.scope, text, lookups, sample.session, "", sample.file
            )
        except EngineError as error:
            return SampleResult(sample=sample, problem=Problem(message=error.message))
        found = {name for kind in told.kinds for name in kind.active}
        return SampleResult(
            sample=sample,
            # A text that had to be stopped fails, whatever it was at.
            tried=ScriptOutcome.ERROR if told.stopped else _outcome(told),
            active=ScriptOutcome(next(iter(found))) if found else None,
            same_changes=_digest(told, key) == digest,
            problem=_problem(told),
        )

    async def _key(self) -> bytes:
        async with self._context.archive_db.write() as transaction:
            return await secrets.get_or_make(transaction, secrets.UIDS)


def _outcome(told: Trial) -> ScriptOutcome | None:
    return next(iter(told.outcomes), None)


def _problem(told: Trial) -> Problem | None:
    if told.stopped:
        return Problem(message=told.stopped)
    if told.failures:
        return told.failures[0].problem
    return None if told.outcomes else Problem(message="the file is not there")


def _digest(told: Trial, key: bytes) -> str:
    """Return what these changes are told from others by, which tells nobody else what they are."""
    changes = sorted(
        (one.row.change.path, one.row.change.kind.value, one.row.change.after)
        for one in told.rows
        if one.standing is not Standing.GONE
    )
    said = "\0".join(part for change in changes for part in change)
    return hmac.new(key, f"sample\0{said}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
