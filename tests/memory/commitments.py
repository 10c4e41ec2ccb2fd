# SPDX-License-Identifier: Apache-2.0
"""The requests for a storage commitment of an engine in memory; nobody is told anything."""

from __future__ import annotations

from dataclasses import replace

from engine.model.commitments import Commitment, CommitmentDetail, CommitmentState
from engine.model.errors import InvalidInput, NotFound
from engine.model.prearchive import ActOutcome
from tests.memory.facts import Asked


class Commitments(Asked):
    async def list(
        self, offset: int = 0, limit: int = 100, state: str = ""
    ) -> tuple[Commitment, ...]:
        if state and state not in list(CommitmentState):
            raise InvalidInput(f"{state!r} is no state of a request")
        rows = [row for row in self.facts.commitments if state in ("", row.state)]
        return tuple(rows[offset : offset + limit])

    async def show(self, id: str) -> CommitmentDetail:
        row = self._find(id)
        if row is None:
            raise NotFound(f"there is no request {id} for a storage commitment")
        return row

    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._retry(id) for id in dict.fromkeys(ids)])

    async def _retry(self, id: str) -> ActOutcome:
        row = self._find(id)
        if row is None or row.state is CommitmentState.REPORTED:
            why = f"there is no request {id}" if row is None else f"{row.calling} was told already"
            return ActOutcome(id=id, done=False, message=why)
        waiting = replace(row, state=CommitmentState.WAITING, attempts=0)
        self.facts.commitments[self.facts.commitments.index(row)] = waiting
        await self.facts.tell("commitment", id, "storage commitment: tried again")
        return ActOutcome(id=id, done=True, message="it is tried again")

    def _find(self, id: str) -> CommitmentDetail | None:
        return next((row for row in self.facts.commitments if row.id == id), None)
