# SPDX-License-Identifier: Apache-2.0
"""What the queue of acts asks of an act, whatever it is done to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

from engine.model.prearchive import ActOutcome
from engine.service.api import EngineApi


class Undoable(Protocol):
    """One verb on several things."""

    @property
    def verb(self) -> StrEnum:
        """What is done."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of what it is done to."""
        ...

    def kept(self, ids: Collection[str]) -> Undoable:
        """Return the act as if it were about these only."""
        ...

    async def perform(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Do it; raise `EngineError` where nothing was done."""
        ...

    def told(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how it went, and whether something was refused."""
        ...

    def why_kept(self) -> str:
        """Say why it cannot be taken back; empty where it may be."""
        ...

    def taking_back(self) -> str:
        """Say what taking it back does."""
        ...

    async def take_back(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Take it back; raise `EngineError` where nothing was done."""
        ...

    def taken_back(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how taking it back went, and whether something was refused."""
        ...
