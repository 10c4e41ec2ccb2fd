# SPDX-License-Identifier: Apache-2.0
"""Projects as files have them. A project is never removed by a file: sessions belong to it."""

from __future__ import annotations

from console.configuration.kinds import Remark, Values, named
from engine.service.api import EngineApi

_CODES = (0, 4)

_FIELDS: Values = {
    "title": "",
    "description": "",
    "aliases": (),
    "prearchive_code": 4,
    "quarantine_code": 0,
    "release_people": 1,
    "release_by": "owner",
    "findings_limit": "none",
    "build_after": 0,
    "trash_days": 0,
    "review_hours": 0,
    "accessibility": "private",
}


class Projects:
    """Projects by their IDs."""

    name, one = "projects", "project"
    fields = _FIELDS
    required = ("prearchive_code",)
    secret: frozenset[str] = frozenset()

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return all projects."""
        return {
            row.id: {name: getattr(row, name) for name in self.fields}
            for row in await engine.projects.list()
        }

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say which code cannot be."""
        from engine.service import checking  # noqa: PLC0415 (slow to load)

        return [Remark(message=message) for message in checking.project(name, named(values))]

    def normal(self, name: str, values: Values) -> Values:
        """Return them as they are."""
        return values

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Add a project, and set what it does not begin with."""
        title, aliases = values["title"], values["aliases"]
        assert isinstance(title, str) and isinstance(aliases, tuple)
        await engine.projects.add(name, title=title, aliases=aliases)
        rest = {key: value for key, value in values.items() if key not in ("title", "aliases")}
        await engine.projects.set(name, named(rest))

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Set what differs."""
        await engine.projects.set(name, named(changes))

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Leave it."""
        return "a project is not removed: sessions may belong to it"
