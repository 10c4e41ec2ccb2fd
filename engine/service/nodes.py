# SPDX-License-Identifier: Apache-2.0
"""The engines that share a prearchive: each writes a heartbeat, so that the others know whether it
is alive. The others take over what a dead one has left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select

from engine.database.connection import Database
from engine.prearchive.tables import NodeRow

STALE = timedelta(seconds=60)
"""A node that has been silent for so long counts as dead; well above any stall."""


class Nodes:
    """The presence of one node among the others."""

    def __init__(self, database: Database, name: str, epoch: str) -> None:
        """Speak for the node of this name."""
        self._database = database
        self._name = name
        self._epoch = epoch

    async def arrive(self) -> bool:
        """Enter this node; True when no other one is alive."""
        now = datetime.now(UTC)
        async with self._database.write() as transaction:
            await transaction.merge(
                NodeRow(name=self._name, epoch=self._epoch, started=now, heartbeat=now)
            )
        # Only now that ours is in: of two that arrive at once neither may think itself alone.
        others = select(func.count()).where(
            NodeRow.name != self._name, NodeRow.heartbeat > now - STALE
        )
        async with self._database.read() as transaction:
            return not (await transaction.execute(others)).scalar_one()

    async def beat(self) -> None:
        """Say that this node is alive, also where somebody has struck it off."""
        now = datetime.now(UTC)
        async with self._database.write() as transaction:
            row = await transaction.get(NodeRow, self._name)
            if row is None:
                row = NodeRow(name=self._name, epoch=self._epoch, started=now)
                transaction.add(row)
            row.heartbeat = now

    async def leave(self) -> None:
        """Take this node out: the others need not wait for it."""
        async with self._database.write() as transaction:
            await transaction.execute(delete(NodeRow).where(NodeRow.name == self._name))
