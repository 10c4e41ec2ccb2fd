# SPDX-License-Identifier: Apache-2.0
"""Routing rules, on behalf of an actor: the text in force, storing a new one, and checking one that
is being edited."""

from __future__ import annotations

import asyncio

from engine.archive import rules
from engine.jobs.context import JobContext
from engine.model.archive import RuleText
from engine.model.errors import InvalidInput, Problem
from engine.model.what_if import MOST_TRIED, WhatIf
from engine.routing.rules import parse_rules
from engine.service.configuration import Apply, Configuration
from engine.service.offline import check_rules
from engine.service.what_if import what_if


class Rules:
    """Routing rule lines."""

    def __init__(
        self, context: JobContext, configuration: Configuration, apply: Apply, actor: str
    ) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._context = context
        self._configuration = configuration
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

    async def what_if(self, scope: str, concept: str, text: str, last: int = 100) -> WhatIf:
        """Say which of the last sessions would have gone elsewhere if a text had been in force.

        Raises:
            InvalidInput: no such scope or concept, the text has faults, or too many are asked for.
        """
        if not 1 <= last <= MOST_TRIED:
            raise InvalidInput(f"last is a number from 1 to {MOST_TRIED}")
        await asyncio.to_thread(parse_rules, text)
        then = await self._configuration.trying(scope, concept, text)
        receiver = scope.partition(":")[2]
        return await what_if(self._context, self._configuration.routing(), then, receiver, last)
