# SPDX-License-Identifier: Apache-2.0
"""Receivers, on behalf of an actor. A change is in force when every living worker has acknowledged
the snapshot that contains it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

from engine.archive import receivers
from engine.database.connection import Database
from engine.dicom.tables import VERIFICATION
from engine.model.archive import ClientCertificates, Durability, OnScriptError, Receiver
from engine.model.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from engine.model.live import ReceiverStatus
from engine.service.certificates import usable
from engine.service.configuration import Apply, Configuration
from engine.service.values import flag, seconds, whole

_FLAGS = ("enabled", "anonymize", "allow_enabled", "rules_enabled", "tls")
_PATHS = ("certificate", "key", "client_ca", "crl")
_TEXTS = ("ae_title", "account", "file_name_template")
_WORDS = {"script_error": OnScriptError, "client_certificates": ClientCertificates}
_LISTS = ("allow", "transfer_syntaxes", "storage_classes")
_NUMBERS = ("port", "max_pdu", "max_associations", "max_per_peer")
_ECHO_SECONDS = 10


class Receivers:
    """DICOM receivers of this engine."""

    def __init__(
        self,
        archive: Database,
        configuration: Configuration,
        apply: Apply,
        actor: str,
    ) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._archive = archive
        self._configuration = configuration
        self._apply = apply
        self._actor = actor

    async def list(self) -> tuple[ReceiverStatus, ...]:
        """Return all receivers and whether they listen."""
        return self._configuration.receivers()

    async def add(
        self,
        ae_title: str,
        port: int,
        allow: tuple[str, ...] = (),
        anonymize: bool = True,
        rules: bool = False,
        values: dict[str, str] | None = None,
    ) -> ReceiverStatus:
        """Add a receiver and let it listen."""
        receiver = Receiver(
            ae_title=ae_title,
            port=port,
            allow=allow,
            allow_enabled=bool(allow),
            anonymize=anonymize,
            rules_enabled=rules,
        )
        receiver = changed(receiver, values or {})
        self._must_be_free(receiver.ae_title, receiver.port)
        self._check_durability(receiver)
        await self._check_tls(receiver)
        async with self._archive.write() as transaction:
            added = await receivers.add(transaction, receiver, actor=self._actor)
        await self._apply()
        return self._status(added.ae_title, added.port)

    async def edit(self, ae_title: str, port: int, values: dict[str, str]) -> ReceiverStatus:
        """Set values of an added receiver by name."""
        self._must_be_added(ae_title, port)
        async with self._archive.read() as transaction:
            before = await receivers.show(transaction, ae_title, port)
        # Before the transaction that writes: everybody else who writes would wait for files.
        await self._check_tls(changed(before, values), before)
        async with self._archive.write() as transaction:
            # Of what is there now: somebody else may have set other values meanwhile.
            before = await receivers.show(transaction, ae_title, port)
            wanted = changed(before, values)
            if (wanted.ae_title, wanted.port) != (before.ae_title, before.port):
                self._must_be_free(wanted.ae_title, wanted.port)
            self._check_durability(wanted)
            self._must_agree(wanted)
            after = await receivers.edit(transaction, ae_title, port, wanted, actor=self._actor)
        await self._apply()
        return self._status(after.ae_title, after.port)

    async def remove(self, ae_title: str, port: int) -> None:
        """Remove an added receiver; associations that are open go on."""
        self._must_be_added(ae_title, port)
        async with self._archive.write() as transaction:
            await receivers.remove(transaction, ae_title, port, actor=self._actor)
        await self._apply()

    async def start(self, ae_title: str, port: int) -> ReceiverStatus:
        """Let an added receiver take associations."""
        return await self.edit(ae_title, port, {"enabled": "true"})

    async def stop(self, ae_title: str, port: int) -> ReceiverStatus:
        """Let an added receiver refuse associations; open ones go on."""
        return await self.edit(ae_title, port, {"enabled": "false"})

    async def reload(self, ae_title: str, port: int) -> ReceiverStatus:
        """Read the certificates of a receiver again and put them into force."""
        self._must_be_added(ae_title, port)
        async with self._archive.read() as transaction:
            receiver = await receivers.show(transaction, ae_title, port)
        if receiver.tls_files is None:
            raise Refused(
                f"{ae_title} on port {port} has no TLS",
                hint=f"receiver edit {ae_title} tls=on certificate=PATH key=PATH",
            )
        await asyncio.to_thread(usable, receiver.tls_files)
        async with self._archive.write() as transaction:
            await receivers.reload(transaction, ae_title, port, actor=self._actor)
        await self._apply()
        return self._status(ae_title, port)

    async def echo(self, ae_title: str, port: int) -> str:
        """Send a C-ECHO to a receiver of this engine."""
        status = self._status(ae_title, port)
        context = None
        if status.tls:
            context = await asyncio.to_thread(_client_context, status.certificate, status.key)
        return await asyncio.to_thread(_echo, ae_title, port, context)

    def _status(self, ae_title: str, port: int) -> ReceiverStatus:
        for status in self._configuration.receivers():
            if (status.ae_title, status.port) == (ae_title, port):
                return status
        raise NotFound(f"no receiver {ae_title} on port {port}", hint="list them: receiver list")

    async def _check_tls(self, wanted: Receiver, before: Receiver | None = None) -> None:
        self._must_agree(wanted)
        files = wanted.tls_files
        is_new = before is None or files != before.tls_files
        if files is not None and (is_new or (before and wanted.enabled and not before.enabled)):
            await asyncio.to_thread(usable, files)

    def _must_agree(self, wanted: Receiver) -> None:
        if wanted.enabled and self._configuration.contradicts(wanted):
            raise Conflict(
                f"port {wanted.port} is that of the settings file's receiver, which has other TLS"
                " settings",
                hint="choose another port",
            )

    def _check_durability(self, wanted: Receiver) -> None:
        """Refuse what is less safe than the settings file allows: whoever may only add receivers
        must not decide that a power cut may lose objects that were answered with success."""
        if wanted.durability is Durability.NONE and self._configuration.is_durable:
            raise Refused(
                "durability none may lose objects that were answered with success, and the settings"
                " file says group",
                hint="for measuring only: set dicom.durability: none, and group at the receivers "
                "that are in use",
            )

    def _must_be_added(self, ae_title: str, port: int) -> None:
        if self._status(ae_title, port).origin == "settings":
            raise Refused(
                f"{ae_title} on port {port} is the receiver of the settings file",
                hint="change it in anteroom.yaml and start the engine again",
            )

    def _must_be_free(self, ae_title: str, port: int) -> None:
        for status in self._configuration.receivers():
            if (status.ae_title, status.port) == (ae_title, port):
                raise InvalidInput(f"there is a receiver {ae_title} on port {port} already")


def changed(before: Receiver, values: dict[str, str]) -> Receiver:
    """Return a receiver with values set by name, as people write them.

    Raises:
        InvalidInput: if there is no such value, or it cannot be that.
    """
    changes: dict[str, object] = {}
    for name, text in values.items():
        if name in _FLAGS:
            changes[name] = flag(name, text)
        elif name in _LISTS:
            listed = tuple(part.strip() for part in text.split(",") if part.strip())
            changes[name] = listed
            # A user who writes a list wants it enforced, as when a receiver is added.
            if name == "allow" and "allow_enabled" not in values:
                changes["allow_enabled"] = bool(listed)
        elif name in _WORDS:
            if text.lower() not in tuple(_WORDS[name]):
                raise InvalidInput(f"{name} is {' or '.join(_WORDS[name])}")
            changes[name] = _WORDS[name](text.lower())
        elif name in _PATHS:
            changes[name] = text.strip()
            # Whoever names a CA means senders to have certificates of it.
            if name == "client_ca" and "client_certificates" not in values:
                asked = ClientCertificates.REQUIRED if text.strip() else ClientCertificates.NONE
                changes["client_certificates"] = asked
        elif name in _TEXTS:
            changes[name] = text
        elif name == "durability":
            changes[name] = _durability(text.strip().lower())
        elif name in _NUMBERS:
            changes[name] = whole(name, text)
        elif name == "idle_timeout":
            changes[name] = seconds(name, text)
        else:
            known = ", ".join(
                (
                    *(*_TEXTS, *_NUMBERS, "idle_timeout", "durability"),
                    *(*_LISTS, *_FLAGS, *_PATHS, *_WORDS),
                )
            )
            raise InvalidInput(f"a receiver has no such {name}", hint=f"set one of: {known}")
    return replace(before, **changes)  # type: ignore[arg-type]


def _durability(text: str) -> Durability | None:
    if text and text not in tuple(Durability):
        raise InvalidInput(
            f"durability is {' or '.join(Durability)}, or empty for what the settings file says"
        )
    return Durability(text) if text else None


def _client_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return a context to call ourselves with: by our own certificate, for there is no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Whoever answers at our port on this machine is not to be doubted; what is tried is whether it
    # answers.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.load_cert_chain(certificate, key, password=b"")
    except OSError as error:
        raise Unavailable("the certificate of the receiver cannot be read now") from error
    return context


def _echo(ae_title: str, port: int, context: ssl.SSLContext | None = None) -> str:
    # Loaded here: an engine starts sooner without pynetdicom, and few ask for an echo.
    from pynetdicom import AE  # noqa: PLC0415 (slow to load)

    from engine.remotes.requestor import associate  # noqa: PLC0415 (slow to load)

    entity = AE(ae_title="ANTEROOM_ECHO")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _ECHO_SECONDS
    entity.add_requested_context(VERIFICATION)
    secured = {} if context is None else {"tls_args": (context, "localhost")}
    association = associate(entity, "127.0.0.1", port, called=ae_title, **secured)
    if not association.is_established:
        raise Unavailable(f"{ae_title} on port {port} accepts no association from here")
    try:
        status = association.send_c_echo()
    finally:
        association.release()
    if not status or status.Status != 0:
        raise Unavailable(f"{ae_title} on port {port} did not answer the echo")
    return f"{ae_title} on port {port} answered"
