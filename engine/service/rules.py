# SPDX-License-Identifier: Apache-2.0
"""Routing rules, on behalf of an actor: the text in force, storing a new one, and checking one that
is being edited."""

from __future__ import annotations

import asyncio

from engine.archive import rules
from engine.jobs.context import JobContext
from engine.model.archive import RuleText
from engine.model.errors import Problem
from engine.routing.rules import parse_rules
from engine.service.configuration import Apply
from engine.service.offline import check_rules


class Rules:
    """Routing rule lines."""

    def __init__(self, context: JobContext, apply: Apply, actor: str) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._context = context
        self._apply = apply
        self._actor = actor

    async def show(self, scope: str, concept: str) -> RuleText:
        """Return the text in force."""
        async with self._context.archive_db.read() as transaction:
            return await rules.current(transaction, scope, concept)

    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText:
        """Put a text in force once every line of it is sound."""
        parse_rules(text)
        async with self._context.archive_db.write() as transaction:
            written = await rules.write(
                transaction,
                scope,
                concept,
                text,
                actor=self._actor,
                enabled=enabled,
                reason=reason,
            )
        await self._apply()
        return written

    async def check(self, text: str) -> tuple[Problem, ...]:
        """Return every fault of a text; none when it can be saved."""
        return await asyncio.to_thread(check_rules, text)
