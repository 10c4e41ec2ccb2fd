# SPDX-License-Identifier: Apache-2.0
"""The acceptances of an engine in memory; what is seen of a sender is in the facts."""

from __future__ import annotations

from dataclasses import replace

from engine.model.acceptance import Acceptance, Judgement, Step, StepName, StepState
from engine.model.errors import Conflict, NotFound
from tests.memory.facts import NOON, Asked

WAITING = tuple(
    Step(name=name, state=StepState.WAITING, said=f"let it do the {name}") for name in StepName
)


class Acceptances(Asked):
    async def start(self, calling: str, receiver: str = "", expected: int = 0) -> Acceptance:
        made = Acceptance(
            id=f"acc_aaaaaaa{len(self.facts.acceptances) + 1}",
            calling=calling,
            receiver=receiver,
            expected=expected,
            started=NOON,
            started_by=self.actor,
            steps=WAITING,
        )
        return self._keep(made)

    async def list(self, limit: int = 100, open_only: bool = False) -> tuple[Acceptance, ...]:
        found = [
            one
            for one in reversed(self.facts.acceptances.values())
            if not open_only or one.verdict is Judgement.OPEN
        ]
        return tuple(found[:limit])

    async def show(self, id: str) -> Acceptance:
        if id not in self.facts.acceptances:
            raise NotFound(f"there is no acceptance {id}")
        return self.facts.acceptances[id]

    async def expect(self, id: str, images: int) -> Acceptance:
        return self._keep(replace(await self.show(id), expected=images))

    async def close(self, id: str, verdict: str, note: str = "") -> Acceptance:
        found = await self.show(id)
        if found.lacking and verdict == Judgement.ACCEPTED and not note:
            raise Conflict(f"{id} cannot be accepted as it stands")
        return self._keep(
            replace(found, verdict=Judgement(verdict), note=note, closed=NOON, closed_by=self.actor)
        )

    def _keep(self, acceptance: Acceptance) -> Acceptance:
        self.facts.acceptances[acceptance.id] = acceptance
        return acceptance
