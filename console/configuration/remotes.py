# SPDX-License-Identifier: Apache-2.0
"""Remotes as files have them, by name. How they answered last is no configuration."""

from __future__ import annotations

from console.configuration.kinds import Remark, Values, named
from engine.model.errors import EngineError
from engine.model.remotes import ANSWER_SECONDS, CONNECT_SECONDS, Remote
from engine.service.api import EngineApi

_FIELDS: Values = {
    "ae_title": "",
    "host": "",
    "port": 0,
    "calling": "",
    "description": "",
    "enabled": True,
    "max_pdu": 0,
    "connect_timeout": CONNECT_SECONDS,
    "answer_timeout": ANSWER_SECONDS,
    "tls": False,
    "ca": "",
    "certificate": "",
    "key": "",
    "tls_name": "",
}


class Remotes:
    """Remote application entities."""

    name, one = "remotes", "remote"
    fields = _FIELDS
    required = ("ae_title", "host", "port")
    secret: frozenset[str] = frozenset()

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return all remotes."""
        return {row.name: self._values(row) for row in await engine.remotes.list()}

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say what the service would refuse."""
        try:
            self.normal(name, values)
        except EngineError as error:
            return [Remark(message=error.message)]
        return []

    def normal(self, name: str, values: Values) -> Values:
        """Return them as the service tells them."""
        from engine.service import checking  # noqa: PLC0415 (slow to load)

        return self._values(checking.remote(name, named(values)))

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Add a remote."""
        ae_title, host, port = values["ae_title"], values["host"], values["port"]
        assert isinstance(ae_title, str) and isinstance(host, str) and isinstance(port, int)
        rest = {key: value for key, value in values.items() if key not in self.required}
        await engine.remotes.add(name, ae_title, host, port, named(rest))

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Set what differs."""
        await engine.remotes.edit(name, named(changes))

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Delete a remote."""
        await engine.remotes.delete(name)
        return ""

    def _values(self, row: Remote) -> Values:
        return {name: getattr(row, name) for name in self.fields}
