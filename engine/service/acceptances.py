# SPDX-License-Identifier: Apache-2.0
"""The noun `acceptances`: a scanner is tried, step by step, before it is relied on, and somebody
signs what was seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial

from engine.archive import acceptances
from engine.archive.receiver_values import checked_ae_title
from engine.jobs.context import JobContext
from engine.model.acceptance import Acceptance, Judgement, Step
from engine.model.changes import ChangeKind
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.routing import Verdict
from engine.prearchive.evidence import Evidence, gather
from engine.service.acceptance_steps import SessionFacts, steps
from engine.service.event_buffer import EventBuffer
from engine.service.prearchive import Prearchive
from engine.service.reviewing import whole
from engine.service.windows import limited

_KIND = "acceptance"
_LOOKED_INTO = 5
"""Sessions of which rules and changes are told."""
_NOTE = 1000


class Acceptances:
    """Acceptances of senders."""

    def __init__(
        self, context: JobContext, prearchive: Prearchive, buffer: EventBuffer, actor: str
    ) -> None:
        """Act for one actor."""
        self._context = context
        self._prearchive = prearchive
        self._buffer = buffer
        self._actor = actor

    async def start(self, calling: str, receiver: str = "", expected: int = 0) -> Acceptance:
        """Begin with a sender."""
        calling, receiver = checked_ae_title(calling), receiver and checked_ae_title(receiver)
        async with self._context.archive_db.write() as transaction:
            made = await acceptances.start(
                transaction,
                calling,
                receiver=receiver,
                expected=_images(expected),
                actor=self._actor,
            )
        self._buffer.tell(_KIND, made.id, f"acceptance of {calling} begins")
        return await self._with_steps(made)

    async def list(self, limit: int = 100, open_only: bool = False) -> tuple[Acceptance, ...]:
        """Return acceptances, the newest first."""
        async with self._context.archive_db.read() as transaction:
            return await acceptances.listed(transaction, limited(limit), open_only=open_only)

    async def show(self, id: str) -> Acceptance:
        """Return one with its steps."""
        async with self._context.archive_db.read() as transaction:
            found = await acceptances.show(transaction, id)
        return await self._with_steps(found)

    async def expect(self, id: str, images: int) -> Acceptance:
        """Say how many images the sender counts."""
        async with self._context.archive_db.write() as transaction:
            changed = await acceptances.expect(transaction, id, _images(images), actor=self._actor)
        self._buffer.tell(_KIND, id, f"{images} images are expected of {changed.calling}")
        return await self._with_steps(changed)

    async def close(self, id: str, verdict: str, note: str = "") -> Acceptance:
        """Sign what was seen."""
        wanted = _verdict(verdict)
        found = await self.show(id)
        lacking = found.lacking
        if wanted is Judgement.ACCEPTED and lacking and not note.strip():
            raise Conflict(
                f"{id} cannot be accepted as it stands: {_names(lacking)}",
                hint="mend it, or say in a note why it is accepted all the same",
            )
        if wanted is Judgement.REJECTED and not note.strip():
            raise InvalidInput("a rejection says why", hint="add a note; no patient belongs there")
        async with self._context.archive_db.write() as transaction:
            closed = await acceptances.close(
                transaction,
                id,
                wanted,
                note=note.strip()[:_NOTE],
                steps=found.steps,
                actor=self._actor,
            )
        self._buffer.tell(_KIND, id, f"{closed.calling} is {wanted} by {self._actor}")
        return closed

    async def _with_steps(self, found: Acceptance) -> Acceptance:
        if found.verdict is not Judgement.OPEN:
            return found
        async with self._context.prearchive_db.read() as transaction:
            seen = await gather(transaction, found.calling, found.receiver, found.started)
        facts = await self._facts(seen)
        judged = steps(found.calling, found.receiver, found.expected, seen, facts)
        return replace(found, steps=judged)

    async def _facts(self, seen: Evidence) -> dict[str, SessionFacts]:
        facts = {}
        for one in [one for one in seen.sessions if one.waits][:_LOOKED_INTO]:
            try:
                facts[one.session] = await self._fact(one.session)
            except EngineError:
                # A job has just taken it: there will be another look.
                continue
        return facts

    async def _fact(self, session: str) -> SessionFacts:
        route = await self._prearchive.route(session)
        rules = tuple(
            f"{step.concept}: {step.extractor}"
            for step in route.trace
            if step.verdict is Verdict.WON
        )
        changed: dict[str, set[str]] = defaultdict(set)
        told = await whole(partial(self._prearchive.done, session))
        for one in [one for one in told.rows if one.change.kind is not ChangeKind.SAME]:
            by = replace(one.change.statement, line=0)
            changed[str(by)].add(one.change.path)
        return SessionFacts(
            rules=rules, changes={script: len(paths) for script, paths in changed.items()}
        )


def _images(count: int) -> int:
    if not 0 <= count <= 1_000_000:
        raise InvalidInput(f"{count} images cannot be expected", hint="0 to 1,000,000")
    return count


def _verdict(text: str) -> Judgement:
    closing = [each for each in Judgement if each is not Judgement.OPEN]
    if text not in closing:
        raise InvalidInput(f"{text!r} is no verdict", hint=f"use {', '.join(closing)}")
    return Judgement(text)


def _names(lacking: tuple[Step, ...]) -> str:
    return "; ".join(f"{step.name}: {step.said}" for step in lacking)
