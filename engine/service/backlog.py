# SPDX-License-Identifier: Apache-2.0
"""The backlog of the slow path (intake contract 11): objects that were answered as they came,
because the site script needs more than their head. The helper processes them, a few at a time; each
counts as waiting until it is published or held."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from engine.ingest.release import Release
from engine.intake.journal import Outcome, Record
from engine.intake.snapshot import Snapshot
from engine.jobs import held
from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput, NotFound, Unavailable
from engine.prearchive.tables import HeldRow
from engine.service.event_buffer import EventBuffer
from engine.service.releasing import STAYS, Releasing

_AT_ONCE = 200
"""Objects looked up at once."""
_IDLE = 60.0
"""Seconds after which helpers that have nothing to do are let go."""
_PAUSE = 10.0
"""Seconds until objects that the store did not take are tried again."""


@dataclass(slots=True)
class _Lane:
    """One intake of the engine's own with its helper, used for one object at a time."""

    number: int
    release: Release | None = None
    snapshot: Snapshot | None = None


class Backlog:
    """Works off what this node's receivers have staged."""

    def __init__(
        self,
        context: JobContext,
        releasing: Releasing,
        buffer: EventBuffer,
        *,
        lanes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Work on so many objects at once."""
        self._context = context
        self._releasing = releasing
        self._buffer = buffer
        self._lanes = [_Lane(number + 1) for number in range(lanes)]
        self._clock = clock
        self._used = clock()
        self._not_before = 0.0
        self._again = False

    @property
    def is_at_it(self) -> bool:
        """Whether there is something to do though nothing new waits: helpers to be let go, or
        objects to be tried again."""
        return self._again or any(lane.release is not None for lane in self._lanes)

    async def work(self) -> None:
        """Work off all that waits, the oldest first.

        Raises:
            Unavailable: if the store does not take what comes of them; they wait on.
        """
        if self._clock() < self._not_before:
            return
        self._again = True
        while ids := await self._waiting():
            queue = deque(ids)
            lanes = self._lanes[: len(ids)]
            # All of them end before this does: no two rounds are ever on the same object.
            ended = await asyncio.gather(
                *(self._work_off(lane, queue) for lane in lanes), return_exceptions=True
            )
            self._used = self._clock()
            for error in ended:
                if error is not None:
                    self._not_before = self._clock() + _PAUSE
                    raise error
        self._again = False
        if self._clock() - self._used > _IDLE:
            await self.close()

    async def close(self) -> None:
        """End the helpers."""
        for lane in self._lanes:
            release, lane.release = lane.release, None
            if release is not None:
                await asyncio.to_thread(release.close)

    async def _waiting(self) -> list[str]:
        """Name what waits for this node's helper."""
        query = (
            select(HeldRow.id)
            .where(HeldRow.waits, HeldRow.node == self._context.settings.node.name)
            .order_by(HeldRow.at, HeldRow.id)
            .limit(_AT_ONCE)
        )
        async with self._context.prearchive_db.read() as transaction:
            return list((await transaction.execute(query)).scalars())

    async def _work_off(self, lane: _Lane, queue: deque[str]) -> None:
        fault: Exception | None = None
        while queue:
            release = await self._release(lane)
            try:
                async with self._context.still.working():
                    await self._one(release, queue.popleft())
            except Unavailable:
                raise
            except Exception as error:  # one object must not stand in the way of all others
                fault = fault or error
        if fault is not None:
            raise fault

    async def _release(self, lane: _Lane) -> Release:
        """Return the lane's intake, by what is in force now."""
        snapshot = self._releasing.snapshot
        if lane.release is not None and lane.snapshot is not snapshot:
            await asyncio.to_thread(lane.release.close)
            lane.release = None
        if lane.release is None:
            lane.release = await self._releasing.begin(lane.number)
            lane.snapshot = snapshot
        return lane.release

    async def _one(self, release: Release, id: str) -> None:
        try:
            record = await self._releasing.run(release, id, waits=True)
        except NotFound:
            return  # it left in an attempt that had been cut off
        except InvalidInput as error:
            await held.hold(self._context, id, reason=error.message, rule="")
        else:
            await self._end(id, record)
            if record.outcome is Outcome.FAILED:
                raise Unavailable(record.reason)

    async def _end(self, id: str, record: Record) -> None:
        if record.outcome not in STAYS:
            await self._releasing.enter(id, record, actor="engine")
            if record.session:
                self._buffer.progress("session", record.session, "an object has joined it")
            return
        if record.outcome is not Outcome.FAILED:
            await held.hold(self._context, id, reason=record.reason, rule=record.rule)
            self._buffer.tell("ledger", id, "an object is held: the script failed", "warning")
        await asyncio.to_thread(held.clear, self._context.prearchive, id, gone=False)
