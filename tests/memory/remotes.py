# SPDX-License-Identifier: Apache-2.0
"""The remotes of an engine in memory; none of them is called."""

from __future__ import annotations

from dataclasses import replace

from engine.archive.remote_values import checked
from engine.model.errors import Conflict, NotFound
from engine.model.prearchive import ActOutcome
from engine.model.remotes import UNFINISHED, Echo, Remote, Send, SendState
from engine.model.states import why_not_sent
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

    async def send(
        self,
        name: str,
        sessions: tuple[str, ...],
        scans: tuple[str, ...] = (),
        reason: str = "",
    ) -> tuple[ActOutcome, ...]:
        remote = await self.show(name)
        if not remote.enabled:
            raise Conflict(f"the remote {name} is disabled")
        return tuple([self._queue(remote, session, scans) for session in sessions])

    async def sends(
        self, limit: int = 100, unfinished: bool = False, session: str = ""
    ) -> tuple[Send, ...]:
        found = [
            one
            for one in reversed(self.facts.sends.values())
            if (not unfinished or one.state in UNFINISHED) and session in ("", one.session)
        ]
        # Failures are told of one only.
        return tuple(replace(one, failures=()) for one in found[:limit])

    async def sending(self, id: str) -> Send:
        if id not in self.facts.sends:
            raise NotFound(f"nothing is sent as {id}", hint="list it: anteroom remote sends")
        return self.facts.sends[id]

    async def cancel(self, id: str) -> None:
        found = await self.sending(id)
        if found.state not in UNFINISHED:
            raise Conflict(f"{id} is {found.state}: there is nothing to cancel")
        self.facts.sends[id] = replace(found, state=SendState.CANCELLED, ended=NOON)

    def _queue(self, remote: Remote, session: str, scans: tuple[str, ...]) -> ActOutcome:
        waiting, filed = self.facts.sessions.get(session), self.facts.filed.get(session)
        if waiting is None and filed is None:
            return ActOutcome(id=session, done=False, message="there is no such session")
        why = why_not_sent(waiting.status, locked=waiting.locked) if waiting is not None else ""
        if filed is None and why:
            said = f"{session} cannot be sent: {why}"
            return ActOutcome(id=session, done=False, message=said)
        id = f"snd_aaaaaaa{len(self.facts.sends) + 1}"
        self.facts.sends[id] = Send(
            id=id,
            remote=remote.name,
            session=session,
            filed=filed is not None,
            scans=scans,
            state=SendState.DONE if self.facts.takes_all else SendState.QUEUED,
            actor=self.actor,
            queued=NOON,
        )
        return ActOutcome(id=session, done=True, job=id, message="queued")

    def _keep(self, remote: Remote) -> Remote:
        self.facts.remotes[remote.name] = remote
        return remote
