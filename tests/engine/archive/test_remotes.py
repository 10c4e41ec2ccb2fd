# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from engine.archive import history, remotes
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.errors import Conflict, InvalidInput, NotFound
from engine.model.remotes import Echo, Remote

PACS = Remote(name="PACS1", ae_title="PACS", host="10.3.1.5", port=104)


async def test_remotes_are_added_listed_and_deleted(archive: Database) -> None:
    async with archive.write() as session:
        assert await remotes.add(session, PACS, actor="ada") == PACS
        await remotes.add(session, replace(PACS, name="a-copy"), actor="ada")
        with pytest.raises(Conflict, match="there is a remote pacs1 already"):
            await remotes.add(session, replace(PACS, name="pacs1"), actor="ada")
    async with archive.write() as session:
        assert [one.name for one in await remotes.all_of(session)] == ["a-copy", "PACS1"]
        assert await remotes.delete(session, "pacs1", actor="ada") == PACS
        assert [one.name for one in await remotes.all_of(session)] == ["a-copy"]
        with pytest.raises(NotFound):
            await remotes.show(session, "PACS1")


async def test_what_changes_is_kept_and_told_to_the_trail(archive: Database) -> None:
    async with archive.write() as session:
        await remotes.add(session, PACS, actor="ada")
    moved = replace(PACS, host="pacs.example.org", tls=True, answer_timeout=2.5)
    async with archive.write() as session:
        assert await remotes.edit(session, moved, actor="bob") == moved
        assert await remotes.edit(session, replace(moved, name="pacs1"), actor="bob") == moved
        await remotes.delete(session, "PACS1", actor="bob")
    async with archive.read() as session:
        entries = await history.of(session, "remote", "PACS1")
        events = (
            await session.scalars(select(ArchiveOutboxRow).order_by(ArchiveOutboxRow.at))
        ).all()
    assert [entry.change for entry in entries] == ["Added", "Modified", "Deleted"]
    assert entries[1].before["host"] == "10.3.1.5"
    assert [(event.actor, event.action) for event in events] == [
        ("ada", "Added remote"),
        ("bob", "Modified remote"),
        ("bob", "Deleted remote"),
    ]
    changed = {"host": "pacs.example.org", "tls": True, "answer_timeout": 2.5}
    assert events[1].detail == changed


async def test_the_last_echo_is_kept_and_is_no_change(archive: Database) -> None:
    echo = Echo(at=datetime(2026, 9, 11, tzinfo=UTC), ok=False, milliseconds=2.5, reason="busy")
    async with archive.write() as session:
        await remotes.add(session, PACS, actor="ada")
        await remotes.keep_echo(session, "pacs1", echo)
        await remotes.keep_echo(session, "NOBODY", echo)
    async with archive.write() as session:
        assert (await remotes.show(session, "PACS1")).last_echo == echo
        changed = await remotes.edit(session, replace(PACS, description="ward"), actor="ada")
        assert changed.last_echo == echo
        assert len((await session.scalars(select(ArchiveOutboxRow))).all()) == 2


async def test_an_enabled_remote_is_found_by_its_title(archive: Database) -> None:
    async with archive.write() as session:
        await remotes.add(session, PACS, actor="ada")
        assert await remotes.enabled_as(session, "PACS  ") == PACS
        assert await remotes.enabled_as(session, "pacs") is None
        twin = replace(PACS, name="PACS2", host="10.3.1.6")
        await remotes.add(session, twin, actor="ada")
        # Whom of the two it means is clear by the address only.
        assert await remotes.enabled_as(session, "PACS") is None
        assert await remotes.enabled_as(session, "PACS", "10.3.1.6") == twin
        assert await remotes.enabled_as(session, "PACS", "10.9.9.9") is None
        await remotes.edit(session, replace(PACS, enabled=False), actor="ada")
        assert await remotes.enabled_as(session, "PACS", "10.9.9.9") == twin


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ae_title", "x" * 17, "it is longer than 16 characters"),
        ("calling", "A\\B", "it holds a character that no AE title may have"),
        ("name", "PACS 1", "cannot be the name of a remote"),
        ("name", "", "cannot be the name of a remote"),
        ("host", "", "neither the name of a host nor an address"),
        ("host", "10.3.1", "neither the name of a host nor an address"),
        ("host", "pacs:104", "neither the name of a host nor an address"),
        ("host", "http://pacs", "neither the name of a host nor an address"),
        ("host", "x" * 64, "neither the name of a host nor an address"),
        ("host", f"pacs.{'x' * 64}.org", "neither the name of a host nor an address"),
        ("tls_name", f"{'x' * 64}.org", "tls_name: 'xxx.* is neither"),
        ("tls_name", "a b", "tls_name: 'a b' is neither"),
        ("port", 0, "0 cannot be the port of a remote"),
        ("port", 65536, "65536 cannot be the port of a remote"),
        ("max_pdu", 100, "max_pdu: expected a number from 4096"),
        ("connect_timeout", 0.0, "connect_timeout: expected a number from 1 to 3600 seconds"),
        ("answer_timeout", 3601.0, "answer_timeout: expected a number from 1 to 3600 seconds"),
        ("description", "two\nlines", "description: expected one line"),
        ("ca", "ca.pem", "ca: ca.pem does not begin with /"),
        ("certificate", "/c.pem", "a certificate of our own needs a key"),
    ],
)
async def test_what_cannot_be_is_refused(
    archive: Database, name: str, value: object, said: str
) -> None:
    wrong = replace(PACS, **{name: value})  # type: ignore[arg-type]
    async with archive.write() as session:
        with pytest.raises(InvalidInput, match=said):
            await remotes.add(session, wrong, actor="ada")


async def test_hosts_are_names_and_addresses(archive: Database) -> None:
    hosts = {
        "pacs": "pacs",
        " pacs.example.org ": "pacs.example.org",
        "[fd00::5]": "fd00::5",
        "FD00::0:5": "fd00::5",
        "my_pacs-2": "my_pacs-2",
        f"{'x' * 63}.{'y' * 63}.org.": f"{'x' * 63}.{'y' * 63}.org.",
    }
    async with archive.write() as session:
        for number, (host, kept) in enumerate(hosts.items()):
            one = replace(PACS, name=f"P{number}", host=host, ae_title=" PACS ")
            added = await remotes.add(session, one, actor="ada")
            assert (added.host, added.ae_title) == (kept, "PACS")
