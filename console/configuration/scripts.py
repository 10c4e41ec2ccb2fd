# SPDX-License-Identifier: Apache-2.0
"""Anonymization scripts with their lookup tables as files have them, named by their scope, `site`
or `project:ID`. Lookup tables may name patients: whoever keeps the files has to know that, and
differences of them are counted, not shown."""

from __future__ import annotations

from console.configuration.kinds import Remark, Values
from engine.model.remarks import Severity
from engine.model.scripts import SITE, project_of
from engine.service.api import EngineApi
from engine.service.offline import LOOKUPS, check_script

_FIELDS: Values = {"enabled": True, "text": "", "lookups": ""}


class Scripts:
    """The active versions of scripts."""

    name, one = "scripts", "script"
    fields = _FIELDS
    required = ("enabled", "text")
    secret = frozenset({"lookups"})

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return the active version of every scope that has one."""
        found: dict[str, Values] = {}
        for row in await engine.scripts.list():
            text = await engine.scripts.show(row.scope)
            found[row.scope] = {
                "enabled": text.enabled,
                "text": text.text,
                "lookups": text.lookups,
            }
        return found

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say what is wrong with a script and its table."""
        if name != SITE and not project_of(name):
            return [Remark(message=f"{name}: expected 'site' or 'project:ID'")]
        return [
            Remark(
                message=one.message,
                field="lookups" if one.path == LOOKUPS else "text",
                line=one.line,
            )
            for one in check_script(str(values["text"]), lookups=str(values["lookups"]))
            if one.severity is Severity.ERROR
        ]

    def normal(self, name: str, values: Values) -> Values:
        """Return them as they are."""
        return values

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Save the first version."""
        await self.change(engine, name, values, values)

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Save another version where the text differs, and turn it on or off. What is turned off
        is so before its text changes, and what is turned on after: nothing runs that is not to."""
        wanted = bool(values["enabled"])
        if "enabled" in changes and not wanted and await self._is_there(engine, name):
            await engine.scripts.disable(name)
        if "text" in changes or "lookups" in changes:
            await engine.scripts.set(name, str(values["text"]), str(values["lookups"]))
        if (await engine.scripts.show(name)).enabled != wanted:
            await (engine.scripts.enable if wanted else engine.scripts.disable)(name)

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Leave it: nobody removes what may protect patients by leaving a line out."""
        return "a script is not removed: write 'enabled: false' where it is not to run"

    async def _is_there(self, engine: EngineApi, name: str) -> bool:
        return any(row.scope == name for row in await engine.scripts.list())
