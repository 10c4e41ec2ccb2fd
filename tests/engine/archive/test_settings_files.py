# SPDX-License-Identifier: Apache-2.0
"""The past of settings files: what one said is known after it was changed, and no password."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from engine.archive import configuration, moments, settings_files
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.archive import AuditQuery
from engine.model.configured import Difference
from engine.model.home import Home
from engine.model.settings import Settings
from engine.model.settings_file import without_passwords
from engine.model.site_settings import said
from engine.service.engine import Engine
from tests.line.serving import Served

UNSET = {"dicom.port": "8104", "dicom.tls": "false"}


async def _start(archive: Database, **changed: str) -> None:
    async with archive.write() as session:
        file = UNSET | {name.replace("__", "."): text for name, text in changed.items()}
        await settings_files.note(session, "one", file, UNSET)


async def _events(archive: Database) -> list[dict[str, object]]:
    async with archive.read() as session:
        rows = await session.scalars(
            select(ArchiveOutboxRow).where(ArchiveOutboxRow.action == "Settings file changed")
        )
        return [row.detail for row in rows]


async def test_what_a_file_said_is_known_after_it_was_changed(archive: Database) -> None:
    before = moments.now()
    await _start(archive)
    first = moments.now()
    async with archive.read() as session:
        number = await configuration.version(session)
    await _start(archive)
    assert await _events(archive) == []
    await _start(archive, dicom__port="104")
    assert await _events(archive) == [{"changed": {"dicom.port": ["8104", "104"]}}]
    async with archive.read() as session:
        assert await configuration.version(session) == number + 1
        (then,) = await moments.at(session, first)
        (now,) = await moments.at(session, moments.now())
        assert await moments.at(session, before) == ()
        (change,) = await moments.diff(session, first, moments.now())
    assert (then.kind, then.name, then.values) == ("settings file", "one", UNSET)
    assert now.values["dicom.port"] == "104"
    assert change.difference is Difference.CHANGED
    assert (change.before, change.after) == ({"dicom.port": "8104"}, {"dicom.port": "104"})
    assert change.by == "engine"


async def test_a_setting_that_a_newer_version_knows_is_no_change_of_the_file(
    archive: Database,
) -> None:
    async with archive.write() as session:
        await settings_files.note(session, "one", {"dicom.port": "8104"}, {"dicom.port": "8104"})
    await _start(archive)
    assert await _events(archive) == []
    async with archive.read() as session:
        (now,) = await moments.at(session, moments.now())
    assert now.values == UNSET


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://ada:se/c:r@t@host:5432/db?x=1", "postgresql://ada:***@host:5432/db?x=1"),
        ("postgresql://host/db?sslpassword=a&password=b", None),
        ("postgresql://ada@host:5432/db", "postgresql://ada@host:5432/db"),
        ("sqlite:////var/lib/archive.db", "sqlite:////var/lib/archive.db"),
        ("tls://loghost:6514", "tls://loghost:6514"),
    ],
)
def test_no_password_is_told(text: str, told: str | None) -> None:
    told = told or "postgresql://host/db?sslpassword=***&password=***"
    assert without_passwords(text) == told
    made = Settings().override({"databases.archive_url": text} if text.startswith("p") else {})
    assert told in said(made).values() or not text.startswith("p")
    assert said(made)["site_id"] == "ANTEROOM"


async def test_an_engine_notes_at_its_start_what_its_file_says(tmp_path: Path) -> None:
    served = Served(tmp_path / "home", {"dicom": {"workers": 1}})
    found = Home.find(served.home, {})
    settings = found.ensure().override({"dicom.port": 0})
    engine = await Engine.start(found, settings)
    await engine.stop()
    between = moments.now()
    engine = await Engine.start(found, settings.override({"session.build_after": 17}))
    ada = engine.acting("ada")
    await engine.relay.drain()
    (event,) = (await ada.audit.list(AuditQuery(action="Settings file changed"))).rows
    assert event.object == settings.node.name
    assert event.detail["changed"] == {"session.build_after": ["300", "17"]}
    (change,) = await ada.moments.diff(between)
    assert (change.kind, change.after) == ("settings file", {"session.build_after": "17"})
    await engine.stop()
