# SPDX-License-Identifier: Apache-2.0
"""Rounds of all that happens to an engine that is never left alone: studies over several
associations at once, each sent twice, connections that ask for nothing, workers that are killed,
a disk that is full for a while. How many rounds is up to the test."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial

from pydicom.dataset import Dataset

from tests.line.interrupting import kill_worker
from tests.line.sending import make_study, send
from tests.line.serving import Served

FullDisk = Callable[[], AbstractAsyncContextManager[object]]
"""Makes the disk full while a context lasts."""


@dataclass(kw_only=True)
class Soak:
    """What was sent and answered so far."""

    served: Served
    at_once: int = 3
    objects: int = 40
    """In each study."""
    answered: set[str] = field(default_factory=set)
    rounds: int = 0
    refused: int = 0
    """Objects that were refused while the disk was full."""
    killed: int = 0
    """Rounds in which workers were killed."""
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _studies: int = 0

    async def round(self, *, kills: bool = False, full: FullDisk | None = None) -> None:
        """Do one: new studies, the same again, and what is missing then."""
        self.rounds += 1
        batch = [self._new_study() for _ in range(self.at_once)]
        if full is not None:
            await self._refused(full)
        if kills:
            self.killed += 1
            which = self._chance.randrange(2)
            await self._send(batch, kill=partial(kill_worker, self.served, which))
        for _ in range(2):  # the second time they are duplicates
            await self._send(batch)
        for _ in range(5):  # connections that ask for nothing, and go
            socket.create_connection(("127.0.0.1", self.served.port)).close()
        # A worker that has found the disk full refuses for a second, also where another has seen
        # that there is room again.
        while left := [
            missing
            for study in batch
            if (missing := [each for each in study if not self._has(each)])
        ]:
            await self._send(left)

    def _new_study(self) -> list[Dataset]:
        self._studies += 1
        return make_study(self._studies, self.objects)

    def _missing(self, study: list[Dataset]) -> list[Dataset]:
        return [each for each in study if not self._has(each)]

    def _has(self, dataset: Dataset) -> bool:
        return str(dataset.SOPInstanceUID) in self.answered

    async def _send(
        self, batch: list[list[Dataset]], *, kill: Callable[[], None] | None = None
    ) -> None:
        """Send studies at once; kill in the middle of the first."""
        port, heard = self.served.port, itertools.count(1)

        def answered(_uid: str) -> None:
            if kill is not None and next(heard) == self.objects // 2:
                kill()

        sent = await asyncio.gather(
            *(asyncio.to_thread(send, port, study, answered) for study in batch)
        )
        self.answered |= {uid for one in sent for uid in one}

    async def _refused(self, full: FullDisk) -> None:
        """Send a study for which there is no room, and again once there is."""
        study = self._new_study()
        async with full():
            # A few may find what the engine has just given up itself.
            taken = await asyncio.to_thread(send, self.served.port, study)
        self.answered |= set(taken)
        assert len(taken) < len(study)
        self.refused += len(study) - len(taken)
        # A look at the disk holds for a second: whoever sends sooner is refused again.
        while left := [each for each in study if not self._has(each)]:
            await self._send([left])
