# SPDX-License-Identifier: Apache-2.0
"""The configuration in force: everything that was saved is in the snapshot, under a new number."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.archive import projects, receivers, rules, scripts
from engine.archive.scripts import NewScript
from engine.database.connection import Database
from engine.intake.channel import TakeSnapshot, decode_to_worker, frame
from engine.model.archive import Durability, OnScriptError, Receiver
from engine.model.errors import Unavailable
from engine.model.settings import DicomSettings, Settings, Vendor
from engine.service.configuration import Configuration
from tests.conftest import Backend

SETTINGS = Settings(dicom=DicomSettings(host="127.0.0.1", port=0, max_pdu=16_384))


@pytest.fixture
async def archive(backend: Backend) -> AsyncIterator[Database]:
    database = Database.open(backend.archive_url)
    yield database
    await database.close()


@pytest.fixture
async def configuration(archive: Database) -> AsyncIterator[Configuration]:
    made = Configuration(SETTINGS, archive)
    seen: dict[int, socket.socket] = made.ports.sockets
    yield made
    for sock in {*seen.values(), *made.ports.sockets.values()}:
        sock.close()


def taken_port() -> socket.socket:
    """Take a port of those that a receiver may have: below the ones that systems hand out."""
    for port in range(20_000, 30_000):
        sock = socket.socket()
        try:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        except OSError:
            sock.close()
        else:
            return sock
    raise AssertionError("no port is free")


def free_port() -> int:
    with taken_port() as sock:
        return int(sock.getsockname()[1])


async def test_a_new_installation_has_the_receiver_of_its_settings(
    configuration: Configuration,
) -> None:
    snapshot = await configuration.read()
    (receiver,) = snapshot.receivers
    assert (receiver.ae_title, receiver.max_pdu, receiver.enabled) == ("ANTEROOM", 16_384, True)
    assert receiver.port == configuration.ports.own > 0
    assert snapshot.receiver("ANTEROOM", receiver.port) is receiver
    assert snapshot.number > 0
    assert snapshot.durable
    (status,) = configuration.receivers()
    assert (status.origin, status.listening) == ("settings", True)


async def test_the_receiver_of_the_settings_may_refuse_what_a_script_fails_with(
    archive: Database,
) -> None:
    dicom = replace(SETTINGS.dicom, script_error=OnScriptError.REFUSE)
    configuration = Configuration(replace(SETTINGS, dicom=dicom), archive)
    (receiver,) = (await configuration.read()).receivers
    (status,) = configuration.receivers()
    configuration.ports.sockets[receiver.port].close()
    assert receiver.refuse_failed
    assert status.script_error is OnScriptError.REFUSE


async def test_every_change_has_a_number_and_is_in_the_snapshot(
    configuration: Configuration, archive: Database
) -> None:
    first = await configuration.read()
    port = free_port()
    async with archive.write() as transaction:
        await projects.add(transaction, "BRAINS", actor="ada", aliases=["Minds"])
        await receivers.add(
            transaction,
            Receiver(ae_title="MRI", port=port, rules_enabled=True, allow=("CT1",)),
            actor="ada",
        )
        await rules.write(
            transaction, "site", "project", "(0010,0020):(.*)", actor="ada", enabled=False
        )
        await rules.write(transaction, "receiver:MRI", "subject", "(0010,0020):(.*)", actor="ada")
        await rules.write(transaction, "receiver:OFF", "subject", "(0010,0020):(.*)", actor="ada")
    second = await configuration.read()
    assert second.number > first.number
    assert second.number == await configuration.version() + 1
    assert second.routing.projects == {"BRAINS": "BRAINS", "Minds": "BRAINS"}
    # What is switched off is not in force.
    assert second.routing.site.project == ""
    assert {ae: texts.subject for ae, texts in second.routing.receivers.items()} == {
        "MRI": "(0010,0020):(.*)"
    }
    added = second.receiver("MRI", port)
    assert added is not None
    assert added.allow == ("CT1",)
    assert configuration.receivers()[1].listening
    configuration.router()


async def test_what_a_receiver_has_of_its_own_goes_before_the_settings(
    configuration: Configuration, archive: Database
) -> None:
    plain = Receiver(ae_title="MRI", port=free_port())
    own = replace(
        plain,
        ae_title="CT",
        transfer_syntaxes=("1.2.840.10008.1.2.4.80",),
        max_pdu=32_768,
        max_associations=7,
        max_per_peer=2,
        idle_timeout=2.5,
    )
    async with archive.write() as transaction:
        for each in (plain, own):
            await receivers.add(transaction, each, actor="ada")
    snapshot = await configuration.read()
    found = snapshot.receiver("MRI", plain.port)
    assert found is not None
    dicom = SETTINGS.dicom
    assert (found.max_pdu, found.max_associations) == (dicom.max_pdu, dicom.max_associations)
    assert (found.idle_timeout, found.max_per_peer) == (dicom.idle_timeout, 0)
    assert found.transfer_syntaxes == ()
    found = snapshot.receiver("CT", own.port)
    assert found is not None
    assert (found.max_pdu, found.max_associations, found.max_per_peer) == (32_768, 7, 2)
    assert (found.idle_timeout, found.artim_timeout) == (2.5, dicom.artim_timeout)
    assert found.transfer_syntaxes == own.transfer_syntaxes
    status = {one.ae_title: one for one in configuration.receivers()}["CT"]
    assert status.transfer_syntaxes == ("JPEGLSLossless",)
    assert (status.max_pdu, status.max_per_peer) == (32_768, 2)


async def test_a_receiver_that_contradicts_its_port_takes_nothing(
    archive: Database, tmp_path: Path
) -> None:
    # The settings file may have come to name the port after the receiver was saved.
    port = free_port()
    plain = Receiver(ae_title="MRI", port=port)
    secured = replace(plain, tls=True, certificate=str(tmp_path / "c"), key=str(tmp_path / "k"))
    async with archive.write() as transaction:
        await receivers.add(transaction, secured, actor="ada")
    configuration = Configuration(
        replace(SETTINGS, dicom=replace(SETTINGS.dicom, port=port)), archive
    )
    snapshot = await configuration.read()
    configuration.ports.sockets[port].close()
    assert configuration.contradicts(secured) and not configuration.contradicts(plain)
    barred = snapshot.receiver("MRI", port)
    assert barred is not None and not barred.enabled
    assert snapshot.tls_of(port) is None
    status = configuration.receivers()[1]
    assert not status.listening
    assert status.note == "another receiver of the port has other TLS settings"


async def test_ports_come_and_go_and_stay_open_meanwhile(
    configuration: Configuration, archive: Database
) -> None:
    await configuration.read()
    own = configuration.ports.sockets[configuration.ports.own]
    mri = Receiver(ae_title="MRI", port=free_port())
    async with archive.write() as transaction:
        await receivers.add(transaction, mri, actor="ada")
    await configuration.read()
    added = configuration.ports.sockets[mri.port]
    async with archive.write() as transaction:
        await receivers.edit(transaction, "MRI", mri.port, replace(mri, enabled=False), actor="ada")
    snapshot = await configuration.read()
    assert configuration.ports.sockets == {configuration.ports.own: own}
    off = snapshot.receiver("MRI", mri.port)
    assert off is not None
    assert not off.enabled
    assert [status.listening for status in configuration.receivers()] == [True, False]
    added.close()


async def test_a_port_that_cannot_be_had_stops_nothing_else(
    configuration: Configuration, archive: Database
) -> None:
    with taken_port() as other:
        port = int(other.getsockname()[1])
        async with archive.write() as transaction:
            await receivers.add(transaction, Receiver(ae_title="MRI", port=port), actor="ada")
        await configuration.read()
        own, added = configuration.receivers()
        assert (own.listening, added.listening) == (True, False)
        assert str(port) in added.note
    await configuration.read()
    assert (configuration.receivers()[1].listening, configuration.receivers()[1].note) == (True, "")


async def test_without_its_own_port_there_is_no_engine(archive: Database) -> None:
    with taken_port() as other:
        port = int(other.getsockname()[1])
        dicom = DicomSettings(host="127.0.0.1", port=port, durability=Durability.NONE)
        with pytest.raises(Unavailable, match=str(port)):
            await Configuration(Settings(dicom=dicom), archive).read()


async def test_the_site_script_in_force_goes_to_workers_with_the_secret_of_uids(
    configuration: Configuration, archive: Database
) -> None:
    first = await configuration.read()
    assert first.site_script is None
    assert len(first.uid_secret) == 32
    new = NewScript(text="- (0010,0030)", lookups="site/a = b", language=4)
    async with archive.write() as transaction:
        written = await scripts.write(transaction, "site", new, actor="ada")
    second = await configuration.read()
    assert second.number > first.number
    assert second.uid_secret == first.uid_secret
    assert second.site_script is not None
    assert (second.site_script.id, second.site_script.version) == (written.id, 1)
    assert (second.site_script.text, second.site_script.language) == ("- (0010,0030)", 4)

    taken = decode_to_worker(frame(TakeSnapshot(snapshot=second))[4:])
    assert isinstance(taken, TakeSnapshot)
    assert taken.snapshot == second
    assert "site/a" not in repr(taken) and second.uid_secret.hex() not in repr(taken)

    async with archive.write() as transaction:
        await scripts.enable(transaction, "site", False, actor="ada")
    assert (await configuration.read()).site_script is None


async def test_another_engine_maps_uids_by_the_same_secret(
    configuration: Configuration, archive: Database
) -> None:
    other = Configuration(SETTINGS, archive)
    assert (await other.read()).uid_secret == (await configuration.read()).uid_secret
    for sock in other.ports.sockets.values():
        sock.close()


async def test_a_receiver_has_storage_of_its_own(archive: Database) -> None:
    dicom = replace(
        SETTINGS.dicom,
        durability=Durability.NONE,
        private_storage=(Vendor.GE,),
        storage_classes=("1.2.752.24.3.3",),
        account="front",
    )
    own = Receiver(
        ae_title="MRI",
        port=free_port(),
        account="mri",
        file_name_template="${SOPInstanceUID}",
        durability=Durability.GROUP,
        storage_classes=("1.2.752.24.3.4",),
    )
    async with archive.write() as transaction:
        await receivers.add(transaction, own, actor="ada")
    for settings, durable in ((dicom, True), (SETTINGS.dicom, None)):
        configuration = Configuration(replace(SETTINGS, dicom=settings), archive)
        first, second = (await configuration.read()).receivers
        assert (first.durable, second.durable) == (None, durable)
        assert (first.account, second.account) == (settings.account, "mri")
        assert second.file_name_template == "${SOPInstanceUID}"
        assert second.storage_classes == (*first.storage_classes, "1.2.752.24.3.4")
        assert ("1.2.752.24.3.3" in first.storage_classes) is (settings is dicom)
        assert ("1.3.12.2.1107.5.9.1" in first.storage_classes) is (settings is not dicom)
        assert "1.2.840.113619.4.26" in first.storage_classes
        (_, status) = configuration.receivers()
        assert (status.durability, status.account) == (Durability.GROUP, "mri")
        for sock in configuration.ports.sockets.values():
            sock.close()


async def test_a_receiver_that_was_to_be_less_safe_is_so_no_more(archive: Database) -> None:
    own = Receiver(ae_title="MRI", port=free_port(), durability=Durability.NONE)
    async with archive.write() as transaction:
        await receivers.add(transaction, own, actor="ada")
    configuration = Configuration(SETTINGS, archive)
    snapshot = await configuration.read()
    assert snapshot.durable and snapshot.receivers[1].durable is None
    for sock in configuration.ports.sockets.values():
        sock.close()
