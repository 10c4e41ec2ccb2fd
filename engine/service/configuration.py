# SPDX-License-Identifier: Apache-2.0
"""The configuration in force: receivers, projects and rules of the databases and the settings,
combined into the numbered snapshot that workers use (intake contract 5)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import (
    configuration,
    people,
    projects,
    receivers,
    rules,
    scripts,
    secrets,
    site_settings,
)
from engine.database.connection import Database
from engine.dicom import private_storage
from engine.dicom.transfer_syntaxes import keyword_of
from engine.intake.snapshot import ReceiverConfig, Snapshot
from engine.model.archive import Durability, OnScriptError, Receiver, RuleText, TlsFiles
from engine.model.errors import InvalidSettings, Unavailable
from engine.model.live import ReceiverStatus
from engine.model.people import Roster
from engine.model.scripts import SITE
from engine.model.settings import DicomSettings, FileNames, KeepOriginals, Settings
from engine.model.site_settings import SettingsInForce, lay_over
from engine.receiver.ports import bind
from engine.routing.router import Router, RoutingConfig
from engine.routing.rules import RuleTexts
from engine.service.certificates import Certificates, CertificateStore

Apply = Callable[[], Awaitable[None]]
"""Put what has been configured into force."""


@dataclass(slots=True)
class Ports:
    """The listening sockets, by the port that they really have."""

    sockets: dict[int, socket.socket] = field(default_factory=dict)
    own: int = 0
    """The port of the receiver of the settings file, which may have asked for any."""
    faults: dict[int, str] = field(default_factory=dict)
    """Ports of added receivers that could not be opened, and why."""


class Configuration:
    """Reads what is configured; holds the snapshot in force and the sockets that belong to it."""

    def __init__(
        self,
        settings: Settings,
        archive: Database,
        in_force: SettingsInForce | None = None,
        *,
        listens: bool = True,
    ) -> None:
        """Configure one engine.

        Args:
            settings: What the settings file says.
            archive: Where the rest is kept.
            in_force: Is told what holds, each time it is read.
            listens: False for one that opens no port.
        """
        self._listens = listens
        self._file = settings
        self._in_force = in_force or SettingsInForce(settings)
        self.setting_faults: dict[str, str] = {}
        """Settings that were set while an engine ran and are not in force, and why."""
        self._archive = archive
        self.ports = Ports()
        self.snapshot: Snapshot | None = None
        self.roster = Roster()
        """The people and roles in force."""
        self._added: tuple[Receiver, ...] = ()
        self._certificates = CertificateStore()
        self._barred: dict[tuple[str, int], str] = {}
        """Added receivers that cannot have the TLS that they are to have, and why."""
        self._uid_secret = b""

    @property
    def _settings(self) -> Settings:
        return self._in_force.now

    async def version(self) -> int:
        """Return the number of what is configured now."""
        async with self._archive.read() as transaction:
            return await configuration.version(transaction)

    async def read_settings(self) -> None:
        """Put the settings into force that were set while an engine ran."""
        async with self._archive.read() as transaction:
            await self._read_settings(transaction)

    async def _read_settings(self, transaction: AsyncSession) -> None:
        given = await site_settings.all_of(transaction)
        self._in_force.now, self.setting_faults = lay_over(self._file, given)

    async def read(self) -> Snapshot:
        """Read everything, open the ports that are wanted, and make the snapshot.

        Raises:
            Unavailable: if the port of the settings file cannot be opened.
            InvalidSettings: if its receiver is to have TLS and cannot.
        """
        if not self._uid_secret:
            async with self._archive.write() as transaction:
                self._uid_secret = await secrets.get_or_make(transaction, secrets.UIDS)
        async with self._archive.read() as transaction:
            # In one transaction: the number belongs to what is read with it.
            number = await configuration.version(transaction)
            every = await projects.all_of(transaction)
            self._in_force.projects = {project.id: project for project in every}
            added = await receivers.all_of(transaction)
            texts = await rules.in_force(transaction)
            site_script = await scripts.in_force(transaction, SITE)
            self.roster = await people.roster(transaction)
            await self._read_settings(transaction)
        if site_script is not None:
            hosts = self._settings.anonymization.url_hosts
            site_script = replace(site_script, hosts=hosts)
        wanted = {each.tls_files for each in (self._own(), *added) if each.tls_files is not None}
        await asyncio.to_thread(self._read_certificates, wanted)
        self._added = added
        self._certificates.keep(wanted)
        # In this order: what raises leaves no socket open.
        if self._listens:
            self._secure_own()
            self._open_own()
            self._secure()
            self._open()
        else:
            self.ports.own = self._settings.dicom.port
        names = {project.id: project.id for project in every}
        names |= {alias: project.id for project in every for alias in project.aliases}
        dicom = self._settings.dicom
        self.snapshot = Snapshot(
            # Workers know 0 as "none yet".
            number=number + 1,
            receivers=tuple(self._receivers()),
            routing=RoutingConfig(
                projects=names,
                site=_texts(texts, "site"),
                receivers={
                    receiver.ae_title: _texts(texts, f"receiver:{receiver.ae_title}")
                    for receiver in self._added
                    if receiver.rules_enabled
                },
            ),
            file_name_template=dicom.file_name_template,
            names_as_received=dicom.file_names is FileNames.AS_RECEIVED,
            max_header=dicom.max_header,
            durable=self.is_durable,
            site_script=site_script,
            keep_originals=self._settings.anonymization.keep_originals is KeepOriginals.TRIAGE,
            watermark=self._settings.disk.watermark,
            uid_secret=self._uid_secret,
        )
        return self.snapshot

    def router(self) -> Router:
        """Return a router over the snapshot in force."""
        return Router(self.routing())

    def routing(self) -> RoutingConfig:
        """Return the routing in force."""
        assert self.snapshot is not None
        return self.snapshot.routing

    async def trying(self, scope: str, concept: str, text: str) -> RoutingConfig:
        """Return the routing in force as if a text of rules were, and its receiver's were enabled.

        Raises:
            InvalidInput: no such scope or concept.
        """
        async with self._archive.read() as transaction:
            await rules.current(transaction, scope, concept)
            texts = await rules.in_force(transaction)
        routing = self.routing()
        tried = replace(_texts(texts, scope), **{concept: text})
        if scope == rules.SITE:
            return replace(routing, site=tried)
        receiver = scope.partition(":")[2]
        return replace(routing, receivers={**routing.receivers, receiver: tried})

    def receivers(self) -> tuple[ReceiverStatus, ...]:
        """Tell how each receiver stands."""
        dicom = self._settings.dicom
        own = ReceiverStatus(
            ae_title=dicom.ae_title,
            port=self.ports.own,
            enabled=True,
            listening=self.ports.own in self.ports.sockets,
            origin="settings",
            script_error=dicom.script_error,
            account=dicom.account,
            **self._tls_status(self._own()),
        )
        return (own, *(self._status(receiver) for receiver in self._added))

    def _status(self, receiver: Receiver) -> ReceiverStatus:
        return ReceiverStatus(
            ae_title=receiver.ae_title,
            port=receiver.port,
            enabled=receiver.enabled,
            listening=receiver.enabled
            and receiver.port in self.ports.sockets
            and _key(receiver) not in self._barred,
            origin="added",
            anonymize=receiver.anonymize,
            allow_enabled=receiver.allow_enabled,
            allow=receiver.allow,
            rules_enabled=receiver.rules_enabled,
            script_error=receiver.script_error,
            transfer_syntaxes=tuple(map(keyword_of, receiver.transfer_syntaxes)),
            max_pdu=receiver.max_pdu,
            max_associations=receiver.max_associations,
            max_per_peer=receiver.max_per_peer,
            idle_timeout=receiver.idle_timeout,
            account=receiver.account,
            file_name_template=receiver.file_name_template,
            durability=receiver.durability,
            storage_classes=receiver.storage_classes,
            **self._tls_status(receiver),
        )

    def _tls_status(self, receiver: Receiver) -> dict[str, Any]:
        """Return what a status says of TLS, and the fault of the receiver with it."""
        files = receiver.tls_files
        held = self._certificates.held(files) if files is not None else None
        fault = ""
        if held is not None and receiver.enabled:
            fault = held.fault or held.overdue(datetime.now(UTC))
        return {
            "tls": receiver.tls,
            "certificate": receiver.certificate,
            "key": receiver.key,
            "client_ca": receiver.client_ca,
            "client_certificates": receiver.client_certificates,
            "crl": receiver.crl,
            "certificate_ends": held.ends if held is not None else None,
            "note": self.ports.faults.get(receiver.port, "")
            or self._barred.get(_key(receiver), fault),
        }

    def certificates_changed(self) -> bool:
        """Say whether files of certificates are not what they were when they were read."""
        return self._certificates.changed()

    @property
    def is_durable(self) -> bool:
        """Whether the settings file has every object safe on disk before success is answered."""
        return self._settings.dicom.durability is not Durability.NONE

    def contradicts(self, receiver: Receiver) -> bool:
        """Say whether a receiver is to have other TLS than that of the settings, on its port."""
        own = self._own()
        return receiver.port == own.port and receiver.tls_files != own.tls_files

    def _own(self) -> Receiver:
        """Return the receiver of the settings file."""
        dicom = self._settings.dicom
        return Receiver(
            ae_title=dicom.ae_title,
            port=self.ports.own,
            script_error=dicom.script_error,
            tls=dicom.tls,
            certificate=dicom.tls_certificate,
            key=dicom.tls_key,
            client_ca=dicom.tls_client_ca,
            client_certificates=dicom.tls_client_certificates,
            crl=dicom.tls_crl,
            account=dicom.account,
        )

    def _read_certificates(self, wanted: Collection[TlsFiles]) -> None:
        """Read the files that have changed; what is made of them afterwards looks at no file."""
        for files in wanted:
            self._certificates.get(files)

    def _read_before(self, files: TlsFiles) -> Certificates:
        held = self._certificates.held(files)
        assert held is not None
        return held

    def _secure_own(self) -> None:
        own = self._own().tls_files
        if own is not None and (held := self._read_before(own)).config is None:
            raise InvalidSettings(
                f"the settings are wrong: dicom.tls: {held.fault}",
                hint="correct the file and start again",
            )

    def _open_own(self) -> None:
        dicom, ports = self._settings.dicom, self.ports
        if not ports.own:
            sock = bind(dicom.host, dicom.port)
            ports.own = int(sock.getsockname()[1])
            ports.sockets[ports.own] = sock

    def _secure(self) -> None:
        """Find the receivers that cannot have their certificates: these take no associations, for a
        plain connection is not what was asked for."""
        self._barred = {}
        of_port = {self.ports.own: self._own().tls_files}
        for each in self._added:
            files = each.tls_files
            if not each.enabled:
                continue
            if of_port.setdefault(each.port, files) != files:
                # Saving refuses it; the settings file may have changed since.
                self._barred[_key(each)] = "another receiver of the port has other TLS settings"
            elif files is not None:
                held = self._read_before(files)
                if held.config is None:
                    self._barred[_key(each)] = held.fault

    def _open(self) -> None:
        """Open what is wanted and not open; sockets that are not wanted are the pool's to close."""
        dicom, ports = self._settings.dicom, self.ports
        wanted = {ports.own} | {
            each.port for each in self._added if each.enabled and _key(each) not in self._barred
        }
        ports.sockets = {port: sock for port, sock in ports.sockets.items() if port in wanted}
        ports.faults = {}
        for port in sorted(wanted - ports.sockets.keys()):
            try:
                ports.sockets[port] = bind(dicom.host, port)
            except Unavailable as error:
                ports.faults[port] = error.message

    def _receivers(self) -> list[ReceiverConfig]:
        own = self._own()
        added = [each for each in self._added if _key(each) != _key(own)]
        return [self._config(each) for each in (own, *added)]

    def _config(self, receiver: Receiver) -> ReceiverConfig:
        is_barred = _key(receiver) in self._barred
        files = None if is_barred else receiver.tls_files
        tls = self._read_before(files).config if files is not None else None
        made = _config(self._settings.dicom, receiver)
        return replace(made, enabled=receiver.enabled and not is_barred, tls=tls)


def _key(receiver: Receiver) -> tuple[str, int]:
    return receiver.ae_title, receiver.port


def _config(dicom: DicomSettings, receiver: Receiver) -> ReceiverConfig:
    return ReceiverConfig(
        ae_title=receiver.ae_title,
        port=receiver.port,
        enabled=receiver.enabled,
        anonymize=receiver.anonymize,
        refuse_failed=receiver.script_error is OnScriptError.REFUSE,
        allow_enabled=receiver.allow_enabled,
        allow=receiver.allow,
        transfer_syntaxes=receiver.transfer_syntaxes,
        max_associations=receiver.max_associations or dicom.max_associations,
        max_per_peer=receiver.max_per_peer,
        idle_timeout=receiver.idle_timeout or dicom.idle_timeout,
        artim_timeout=dicom.artim_timeout,
        max_pdu=receiver.max_pdu or dicom.max_pdu,
        account=receiver.account,
        file_name_template=receiver.file_name_template,
        durable=_durable(dicom, receiver),
        storage_classes=_storage_classes(dicom, receiver),
        commits=dicom.storage_commitment,
    )


def _durable(dicom: DicomSettings, receiver: Receiver) -> bool | None:
    """Return what a receiver does otherwise than the settings file says. It can only be safer: the
    file may have changed since the receiver was saved."""
    is_safer = receiver.durability is Durability.GROUP and dicom.durability is Durability.NONE
    return True if is_safer else None


def _storage_classes(dicom: DicomSettings, receiver: Receiver) -> tuple[str, ...]:
    known = private_storage.of_vendors(tuple(vendor.value for vendor in dicom.private_storage))
    return tuple(dict.fromkeys((*known, *dicom.storage_classes, *receiver.storage_classes)))


def _texts(texts: tuple[RuleText, ...], scope: str) -> RuleTexts:
    wanted = {text.concept: text.text for text in texts if text.scope == scope and text.enabled}
    return RuleTexts(
        project=wanted.get("project", ""),
        subject=wanted.get("subject", ""),
        session=wanted.get("session", ""),
        autoarchive=wanted.get("autoarchive", ""),
    )
