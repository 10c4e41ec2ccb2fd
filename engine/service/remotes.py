# SPDX-License-Identifier: Apache-2.0
"""Remote application entities, on behalf of an actor: where sessions can be sent, and whether they
answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from engine.archive import remotes
from engine.archive import sessions as archived
from engine.archive.audit.trail import record_triage
from engine.archive.remote_values import checked
from engine.jobs.context import JobContext
from engine.jobs.send import end, is_at_work
from engine.jobs.threads import or_cut
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound
from engine.model.identifiers import new_send_id
from engine.model.people import Actor, Permission
from engine.model.prearchive import ActOutcome
from engine.model.remotes import UNFINISHED, Echo, Remote, Send, SendState, presented
from engine.model.states import Status, why_not_sent
from engine.prearchive import rows, sends
from engine.prearchive.tables import SendRow
from engine.remotes.tls import client_context
from engine.service.event_buffer import EventBuffer
from engine.service.values import flag, seconds, whole
from engine.service.windows import limited

_FLAGS = ("enabled", "tls")
_TEXTS = ("ae_title", "host", "calling", "description", "ca", "certificate", "key", "tls_name")
_NUMBERS = ("port", "max_pdu")
_SECONDS = ("connect_timeout", "answer_timeout")


class Remotes:
    """The remotes that this engine can call."""

    def __init__(self, context: JobContext, buffer: EventBuffer, actor: Actor) -> None:
        """Act for one actor."""
        self._context = context
        self._buffer = buffer
        self._actor = actor.name
        self._triages = actor.scope(Permission.TRIAGE)
        # Of others only those see what is sent who may read everything.
        reads_all = actor.scope(Permission.READ).projects is None
        self._by = "" if reads_all else actor.name

    async def list(self) -> tuple[Remote, ...]:
        """Return all remotes, by name."""
        async with self._context.archive_db.read() as transaction:
            return await remotes.all_of(transaction)

    async def show(self, name: str) -> Remote:
        """Return one remote."""
        async with self._context.archive_db.read() as transaction:
            return await remotes.show(transaction, name)

    async def add(
        self,
        name: str,
        ae_title: str,
        host: str,
        port: int,
        values: dict[str, str] | None = None,
    ) -> Remote:
        """Add a remote."""
        new = Remote(name=name, ae_title=ae_title, host=host, port=port)
        wanted = checked(changed(new, values or {}))
        await asyncio.to_thread(client_context, wanted)
        async with self._context.archive_db.write() as transaction:
            added = await remotes.add(transaction, wanted, actor=self._actor)
        self._buffer.tell("remote", added.name, f"the remote {added.name} is added")
        return added

    async def edit(self, name: str, values: dict[str, str]) -> Remote:
        """Set values of a remote by name."""
        before = await self.show(name)
        wanted = checked(changed(before, values))
        if _tls(wanted) != _tls(before) or (wanted.enabled and not before.enabled):
            await asyncio.to_thread(client_context, wanted)
        async with self._context.archive_db.write() as transaction:
            # Of what is there now: somebody else may have set other values meanwhile.
            before = await remotes.show(transaction, name)
            after = await remotes.edit(transaction, changed(before, values), actor=self._actor)
        self._buffer.tell("remote", after.name, f"the remote {after.name} is changed")
        return after

    async def delete(self, name: str) -> None:
        """Delete a remote."""
        async with self._context.archive_db.write() as transaction:
            gone = await remotes.delete(transaction, name, actor=self._actor)
        self._buffer.tell("remote", gone.name, f"the remote {gone.name} is deleted")

    async def send(
        self,
        name: str,
        sessions: tuple[str, ...],
        scans: tuple[str, ...] = (),
        reason: str = "",
    ) -> tuple[ActOutcome, ...]:
        """Queue sessions to be sent to a remote."""
        remote = await self.show(name)
        if not remote.enabled:
            raise Conflict(
                f"the remote {remote.name} is disabled",
                hint=f"enable it: anteroom remote edit {remote.name} enabled=true",
            )
        outcomes = []
        for session in dict.fromkeys(sessions):
            try:
                made = await self._queue(remote, session, tuple(dict.fromkeys(scans)), reason)
            except EngineError as error:
                outcomes.append(ActOutcome.refused(session, error))
            else:
                outcomes.append(ActOutcome(id=session, done=True, job=made, message="queued"))
                said = f"{remote.name}: sending of {session} queued by {self._actor}"
                self._buffer.tell("send", made, said)
        return tuple(outcomes)

    async def sends(
        self, limit: int = 100, unfinished: bool = False, session: str = ""
    ) -> tuple[Send, ...]:
        """Return what is sent and was sent, the newest first."""
        async with self._context.prearchive_db.read() as transaction:
            return await sends.listed(
                transaction, limited(limit), unfinished=unfinished, of=session, by=self._by
            )

    async def sending(self, id: str) -> Send:
        """Return one send, with its failures."""
        async with self._context.prearchive_db.read() as transaction:
            row = await sends.get(transaction, id, failures=True)
            return sends.to_send(row, failures=True)

    async def cancel(self, id: str) -> None:
        """End a send after the object that is on its way."""
        async with self._context.prearchive_db.write() as transaction:
            row = await sends.get(transaction, id, lock=True)
            if row.state not in UNFINISHED:
                raise Conflict(f"{id} is {row.state}: there is nothing to cancel")
            row.cancelled_by = self._actor
            queued = row.state == SendState.QUEUED
            if queued:
                end(transaction, row, SendState.CANCELLED)
        if queued:
            await self._context.runner.forget(sends.job_of(id))
        self._buffer.tell("send", id, f"{row.remote}: {row.session} cancelled by {self._actor}")

    async def _queue(self, remote: Remote, name: str, scans: tuple[str, ...], reason: str) -> str:
        session, filed = await self._found(name)
        row = SendRow(
            id=new_send_id(),
            remote=remote.name,
            session=session,
            filed=filed,
            scans={"ids": list(scans)},
            state=SendState.QUEUED.value,
            actor=self._actor,
            queued=datetime.now(UTC),
        )
        async with self._context.prearchive_db.write() as transaction:
            if not filed:
                waiting = await rows.get(transaction, session)
                status, locked = Status(waiting.status), is_at_work(waiting)
                if why := why_not_sent(status, locked=locked):
                    raise Conflict(f"{session} cannot be sent: {why}")
            await sends.take_turn(transaction, session)
            if await sends.is_on_its_way(transaction, remote.name, session, scans):
                raise Conflict(f"{session} is being sent to {remote.name} already")
            transaction.add(row)
            # One at a time to a remote: two would only share its line.
            await self._context.runner.enqueue(
                transaction, sends.job_of(row.id), one_at_a_time=remote.name
            )
            detail: dict[str, object] = {"remote": remote.name, "scans": len(scans)}
            if reason:
                detail["reason"] = reason
            record_triage(transaction, self._actor, "Queued sending", session, detail)
            return row.id

    async def _found(self, name: str) -> tuple[str, bool]:
        """Return the id of a session, and whether it is filed."""
        async with self._context.archive_db.read() as transaction:
            try:
                return (await archived.card(transaction, name)).accession, True
            except NotFound:
                pass
        async with self._context.prearchive_db.read() as transaction:
            try:
                return await rows.find(transaction, name, self._triages), False
            except NotFound:
                raise NotFound(
                    f"there is no session {name}",
                    hint="name it by its accession ID, prearchive id, URL or prearchive label",
                ) from None

    async def echo(self, name: str) -> Echo:
        """Send a C-ECHO to a remote, and keep how it answered."""
        remote = await self.show(name)
        # Loaded here: an engine starts sooner without pynetdicom, and few ask for an echo.
        from engine.remotes.calling import Cord  # noqa: PLC0415 (slow to load)
        from engine.remotes.echo import echo  # noqa: PLC0415

        calling, max_pdu = presented(remote, self._context.settings.dicom)
        cord = Cord()
        call = partial(echo, remote, calling=calling, max_pdu=max_pdu, cord=cord)
        answer = await or_cut(call, f"echo {remote.name}", cord.cut)
        async with self._context.archive_db.write() as transaction:
            await remotes.keep_echo(transaction, remote.name, answer)
        said = "answers" if answer.ok else f"does not answer: {answer.reason}"
        severity = "info" if answer.ok else "warning"
        self._buffer.tell("remote", remote.name, f"{remote.name} {said}", severity)
        return answer


def _tls(remote: Remote) -> tuple[object, ...]:
    return remote.tls, remote.ca, remote.certificate, remote.key


def changed(before: Remote, values: dict[str, str]) -> Remote:
    """Return a remote with values set by name, as people write them.

    Raises:
        InvalidInput: if there is no such value, or it cannot be that.
    """
    changes: dict[str, object] = {}
    for name, text in values.items():
        if name in _FLAGS:
            changes[name] = flag(name, text)
        elif name in _TEXTS:
            changes[name] = text
        elif name in _NUMBERS:
            changes[name] = whole(name, text)
        elif name in _SECONDS:
            changes[name] = seconds(name, text)
        else:
            known = ", ".join((*_TEXTS, *_NUMBERS, *_SECONDS, *_FLAGS))
            raise InvalidInput(f"a remote has no such {name}", hint=f"set one of: {known}")
    return replace(before, **changes)  # type: ignore[arg-type]
