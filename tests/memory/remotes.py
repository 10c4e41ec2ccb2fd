# SPDX-License-Identifier: Apache-2.0
"""The remotes of an engine in memory; none of them is called."""

from __future__ import annotations

from dataclasses import replace

from engine.archive.remote_values import checked
from engine.model.errors import Conflict, NotFound
from engine.model.remotes import Echo, Remote
from engine.service.remotes import changed
from tests.memory.facts import NOON, Asked


class Remotes(Asked):
    async def list(self) -> tuple[Remote, ...]:
        return tuple(self.facts.remotes[name] for name in sorted(self.facts.remotes))

    async def show(self, name: str) -> Remote:
        if name not in self.facts.remotes:
            raise NotFound(f"there is no remote {name}", hint="list them: anteroom remote list")
        return self.facts.remotes[name]

    async def add(
        self,
        name: str,
        ae_title: str,
        host: str,
        port: int,
        values: dict[str, str] | None = None,
    ) -> Remote:
        if name in self.facts.remotes:
            raise Conflict(f"there is a remote {name} already")
        made = Remote(name=name, ae_title=ae_title, host=host, port=port)
        return self._keep(checked(changed(made, values or {})))

    async def edit(self, name: str, values: dict[str, str]) -> Remote:
        return self._keep(checked(changed(await self.show(name), values)))

    async def delete(self, name: str) -> None:
        await self.show(name)
        del self.facts.remotes[name]

    async def echo(self, name: str) -> Echo:
        remote = await self.show(name)
        reason = self.facts.mute.get(name, "")
        answer = Echo(at=NOON, ok=not reason, milliseconds=12.0, reason=reason)
        self._keep(replace(remote, last_echo=answer))
        return answer

    def _keep(self, remote: Remote) -> Remote:
        self.facts.remotes[remote.name] = remote
        return remote
