# SPDX-License-Identifier: Apache-2.0
"""Routing rule lines as files have them, named `SCOPE CONCEPT`, e.g. `site project` or
`receiver:CT1 session`."""

from __future__ import annotations

from console.configuration.kinds import Remark, Values
from engine.model.routing import Concept
from engine.service.api import EngineApi
from engine.service.offline import check_rules

_FIELDS: Values = {"enabled": True, "text": ""}


class Rules:
    """Texts of routing rule lines."""

    name, one = "rules", "rules"
    fields = _FIELDS
    required = ("text",)
    secret: frozenset[str] = frozenset()

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return all texts that somebody has written, of the site and of receivers that are
        there."""
        titles = dict.fromkeys(row.ae_title for row in await engine.receivers.list())
        found: dict[str, Values] = {}
        for scope in ("site", *(f"receiver:{title}" for title in titles)):
            for concept in Concept:
                text = await engine.rules.show(scope, concept)
                if text.version and (text.text or not text.enabled):
                    found[f"{scope} {concept}"] = {"enabled": text.enabled, "text": text.text}
        return found

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say which lines are wrong."""
        scope, _, concept = name.rpartition(" ")
        if concept not in tuple(Concept) or not (scope == "site" or scope.startswith("receiver:")):
            return [Remark(message=f"{name}: expected 'site CONCEPT' or 'receiver:AE CONCEPT'")]
        return [
            Remark(message=one.message, field="text", line=one.line)
            for one in check_rules(str(values["text"]))
        ]

    def normal(self, name: str, values: Values) -> Values:
        """Return them as they are."""
        return values

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Save the first text."""
        await self.change(engine, name, values, values)

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Save another text."""
        scope, _, concept = name.rpartition(" ")
        await engine.rules.set(scope, concept, str(values["text"]), enabled=bool(values["enabled"]))

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Save a text without lines; the versions before stay."""
        await self.change(engine, name, {}, self.fields)
        return ""
