# SPDX-License-Identifier: Apache-2.0
"""Remote application entities, on behalf of an actor: where sessions can be sent, and whether they
answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from engine.archive import remotes
from engine.archive.remote_values import checked
from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput
from engine.model.remotes import Echo, Remote
from engine.remotes.tls import client_context
from engine.service.event_buffer import EventBuffer

_FLAGS = ("enabled", "tls")
_TEXTS = ("ae_title", "host", "calling", "description", "ca", "certificate", "key", "tls_name")
_NUMBERS = ("port", "max_pdu")
_SECONDS = ("connect_timeout", "answer_timeout")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Remotes:
    """The remotes that this engine can call."""

    def __init__(self, context: JobContext, buffer: EventBuffer, actor: str) -> None:
        """Act for one actor."""
        self._context = context
        self._buffer = buffer
        self._actor = actor

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

    async def echo(self, name: str) -> Echo:
        """Send a C-ECHO to a remote, and keep how it answered."""
        remote = await self.show(name)
        # Loaded here: an engine starts sooner without pynetdicom, and few ask for an echo.
        from engine.remotes.echo import echo  # noqa: PLC0415 (slow to load)

        dicom = self._context.settings.dicom
        answer = await asyncio.to_thread(
            echo,
            remote,
            calling=remote.calling or dicom.ae_title,
            max_pdu=remote.max_pdu or dicom.max_pdu,
        )
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
            if text.lower() not in (*_TRUE, *_FALSE):
                raise InvalidInput(f"{name} is true or false")
            changes[name] = text.lower() in _TRUE
        elif name in _TEXTS:
            changes[name] = text
        elif name in _NUMBERS:
            if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
                raise InvalidInput(f"{name}: expected a whole number")
            changes[name] = int(text)
        elif name in _SECONDS:
            if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", text.strip()):
                raise InvalidInput(f"{name}: expected a number of seconds")
            changes[name] = float(text)
        else:
            known = ", ".join((*_TEXTS, *_NUMBERS, *_SECONDS, *_FLAGS))
            raise InvalidInput(f"a remote has no such {name}", hint=f"set one of: {known}")
    return replace(before, **changes)  # type: ignore[arg-type]
