# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from engine.archive import history, receivers
from engine.archive.configuration import version
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.archive import Durability, Receiver
from engine.model.errors import Conflict, InvalidInput, NotFound

MRI = Receiver(ae_title="MRI", port=8105, allow=("SCANNER@10.0.0.0/8",), allow_enabled=True)


async def test_receivers_are_added_listed_and_removed(archive: Database) -> None:
    async with archive.write() as session:
        assert await receivers.add(session, MRI, actor="ada") == MRI
        await receivers.add(session, replace(MRI, ae_title="CT"), actor="ada")
    async with archive.write() as session:
        assert [receiver.ae_title for receiver in await receivers.all_of(session)] == ["CT", "MRI"]
        await receivers.remove(session, "CT", 8105, actor="ada")
        assert await receivers.all_of(session) == (MRI,)
        with pytest.raises(NotFound):
            await receivers.remove(session, "CT", 8105, actor="ada")


async def test_a_receiver_keeps_values_of_its_own(archive: Database) -> None:
    async with archive.write() as session:
        await receivers.add(session, MRI, actor="ada")
    own = replace(
        MRI,
        transfer_syntaxes=("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1"),
        max_pdu=16_384,
        max_associations=7,
        max_per_peer=2,
        idle_timeout=2.5,
        crl="/crl",
        account="mri",
        file_name_template="${SOPInstanceUID}",
        durability=Durability.GROUP,
        storage_classes=("1.2.752.24.3.3",),
    )
    async with archive.write() as session:
        assert await receivers.edit(session, "MRI", 8105, own, actor="ada") == own
    async with archive.read() as session:
        assert await receivers.show(session, "MRI", 8105) == own
        events = (
            await session.scalars(select(ArchiveOutboxRow).order_by(ArchiveOutboxRow.at))
        ).all()
    assert events[-1].detail == {
        "transfer_syntaxes": ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1"],
        "max_pdu": 16_384,
        "max_associations": 7,
        "max_per_peer": 2,
        "idle_timeout": 2.5,
        "crl": "/crl",
        "account": "mri",
        "file_name_template": "${SOPInstanceUID}",
        "durability": "group",
        "storage_classes": ["1.2.752.24.3.3"],
    }


async def test_receivers_of_a_port_that_are_enabled_share_tls(archive: Database) -> None:
    secured = replace(MRI, ae_title="CT", tls=True, certificate="/c", key="/k", client_ca="/ca")
    async with archive.write() as session:
        await receivers.add(session, MRI, actor="ada")
        with pytest.raises(Conflict, match="MRI on port 8105 has other TLS settings"):
            await receivers.add(session, secured, actor="ada")
        stopped = replace(secured, enabled=False)
        assert await receivers.add(session, stopped, actor="ada") == stopped
        with pytest.raises(Conflict) as refused:
            await receivers.edit(session, "CT", 8105, secured, actor="ada")
        assert "stop the others of this port" in refused.value.hint
        # Paths that are not used are no contradiction.
        await receivers.edit(session, "CT", 8105, replace(secured, tls=False), actor="ada")
        await receivers.edit(session, "CT", 8105, replace(secured, port=8106), actor="ada")
        before = await version(session)
        await receivers.reload(session, "CT", 8106, actor="ada")
        assert await version(session) == before + 1


@pytest.mark.parametrize("title", ["", " ", "x" * 17, "A\\B", "A\tB", "É"])
async def test_ae_titles_follow_the_standard(archive: Database, title: str) -> None:
    async with archive.write() as session:
        with pytest.raises(InvalidInput):
            await receivers.add(session, replace(MRI, ae_title=title), actor="ada")


@pytest.mark.parametrize("port", [0, 1023, 49152, -1])
async def test_ports_outside_the_range_are_refused(archive: Database, port: int) -> None:
    async with archive.write() as session:
        with pytest.raises(InvalidInput):
            await receivers.add(session, replace(MRI, port=port), actor="ada")


async def test_a_pair_of_title_and_port_is_taken_once(archive: Database) -> None:
    async with archive.write() as session:
        await receivers.add(session, MRI, actor="ada")
        await receivers.add(session, replace(MRI, port=8106), actor="ada")
        with pytest.raises(Conflict):
            await receivers.add(session, replace(MRI, ae_title="MRI "), actor="ada")
        with pytest.raises(Conflict):
            await receivers.edit(session, "MRI", 8106, MRI, actor="ada")


async def test_an_edit_keeps_what_was_and_counts_the_version_up(archive: Database) -> None:
    async with archive.write() as session:
        await receivers.add(session, MRI, actor="ada")
        before = await version(session)
    moved = replace(MRI, port=8200, enabled=False)
    async with archive.write() as session:
        assert await receivers.edit(session, "MRI", 8105, moved, actor="bob") == moved
        assert await receivers.edit(session, "MRI", 8200, moved, actor="bob") == moved
    async with archive.read() as session:
        assert await receivers.show(session, "MRI", 8200) == moved
        entries = await history.of(session, "receiver", "MRI:8105")
        events = (
            await session.scalars(select(ArchiveOutboxRow).order_by(ArchiveOutboxRow.at))
        ).all()
        assert await version(session) == before + 1
    assert [entry.change for entry in entries] == ["Added", "Modified"]
    assert entries[1].before["port"] == 8105
    assert events[-1].detail == {"port": 8200, "enabled": False}
