# SPDX-License-Identifier: Apache-2.0
"""Comparisons of an engine in memory."""

from __future__ import annotations

from engine.model.comparison import STORED, ComparedSide, Comparison, Part
from engine.model.errors import NotFound
from tests.memory.facts import Asked


class Comparing(Asked):
    """What differs between two sessions."""

    async def headers(
        self, left: str, right: str, left_part: Part = STORED, right_part: Part = STORED
    ) -> Comparison:
        known = (*self.facts.sessions, *self.facts.filed)
        for name in (left, right):
            if name not in known:
                raise NotFound(f"there is no session {name}")
        self.facts.compared.append((left, right, left_part, right_part))
        return Comparison(
            left=ComparedSide(session=left, part=left_part, files=17, total=17),
            right=ComparedSide(session=right, part=right_part, files=17, total=17),
            rows=self.facts.differences,
            same=203,
        )
