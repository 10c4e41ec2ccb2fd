# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from engine.archive import receivers, verifications
from engine.archive.audit.links import GENESIS, canonical, link_hash
from engine.archive.audit.trail import AuditChain
from engine.database.columns import PrearchiveTable
from engine.database.connection import Database
from engine.database.migration import SECTIONS, Section, connect, migrate
from engine.database.revisions import alembic_config
from engine.model.archive import AuditQuery, Receiver
from engine.model.errors import Refused
from tests.conftest import BACKENDS
from tests.engine.conftest import MakeUrl

# What the migrations make by hand: no model knows it.
_BY_HAND = re.compile(r"(session_search|audit)_index.*|ix_(session_search|audit)_document|document")


def _at(url: str, section: str, revision: str) -> None:
    """Make a database as an older version of the program would have left it."""
    config = alembic_config(SECTIONS[section])
    with connect(url) as connection:
        config.attributes["connection"] = connection
        upgrade(config, revision)


def _modelled(item: Any, name: str | None, kind: str, reflected: bool, twin: Any) -> bool:
    table = item.table.name if kind in ("column", "index") else name
    by_hand = name is not None and _BY_HAND.fullmatch(name) is not None
    return not (
        reflected
        and twin is None
        and by_hand
        and table is not None
        and table.startswith(("session_search", "audit"))
    )


@pytest.mark.parametrize("section", ["archive", "prearchive"])
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
async def test_the_migrations_make_what_the_models_say(blank_url: MakeUrl, section: str) -> None:
    url = blank_url(section)
    await migrate(url, section)
    with connect(url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": SECTIONS[section].version_table,
                "include_object": _modelled,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, SECTIONS[section].metadata) == []


async def test_sqlite_gets_the_expression_indexes_of_the_models(tmp_path: Path) -> None:
    migrated, modelled = tmp_path / "migrated.db", tmp_path / "modelled.db"
    await migrate(f"sqlite:///{migrated}", "prearchive")
    engine = create_engine(f"sqlite:///{modelled}", poolclass=NullPool)
    PrearchiveTable.metadata.create_all(engine)

    def indexes(file: Path) -> set[str]:
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index'")
            return {re.sub(r"\s+", " ", sql) for (sql,) in rows if sql}

    assert indexes(migrated) == indexes(modelled)


async def test_a_new_database_goes_through_all_revisions_once(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    first = await migrate(url, "archive")
    again = await migrate(url, "archive")
    assert (first.before, first.backup) == ("", None)
    assert (again.before, again.after) == (first.after, first.after)
    assert again.backup is None


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_the_newest_revision_is_known_by_the_name_of_its_file(section: Section) -> None:
    scripts = ScriptDirectory.from_config(alembic_config(section))
    assert scripts.get_heads() == [section.head]
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")


async def test_an_older_database_is_upgraded_and_keeps_its_rows(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    _at(url, "archive", "a0001")
    with connect(url) as connection:
        connection.execute(text("INSERT INTO numbers (kind, last) VALUES ('E', 41)"))
    migrated = await migrate(url, "archive")
    assert migrated.before == "a0001"
    database = Database.open(url)
    async with database.read() as session:
        assert await session.scalar(text("SELECT last FROM numbers")) == 41
    await database.close()


async def test_sessions_of_an_older_archive_are_due_for_verification(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    _at(url, "archive", "a0005")
    now = "2026-01-01 00:00:00"
    with connect(url) as connection:
        for line in (
            "INSERT INTO projects (id, title, description, prearchive_code, quarantine_code,"
            f" accessibility, current_arc, created, created_by) VALUES ('P', '', '', 4, 0,"
            f" 'private', 'arc001', '{now}', 'ada')",
            "INSERT INTO subjects (id, project, label, folded_label, gender, handedness, added,"
            f" added_by) VALUES ('S', 'P', 's', 's', '', '', '{now}', 'ada')",
            "INSERT INTO sessions (id, project, subject, label, origin, xsi_type, modality, uid,"
            " received_study, status, date, time, age, scanner, manufacturer, model,"
            " acquisition_site, description, folder, files, bytes, added, added_by) VALUES ('E1',"
            " 'P', 'S', 'MR', 'pre_a', '', '', '', '', 'active', '', '', '', '', '', '', '', '',"
            f" 'P/arc001/MR', 1, 1, '{now}', 'ada')",
        ):
            connection.execute(text(line))
    await migrate(url, "archive")
    database = Database.open(url)
    async with database.read() as session:
        due = await verifications.due(session, datetime.now(UTC), 9)
    await database.close()
    assert due.accessions == ("E1",)


async def test_events_of_an_older_trail_are_found_and_still_hold(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    _at(url, "archive", "a0013")
    reason = "Gr\u00fc\u00dfe"
    details: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("Added project", "BRAINS", {}),
        ("Moved", "pre_aaaaaaaa", {"project": "HEARTS", "reason": reason}),
    )
    previous, at = GENESIS, datetime(2026, 1, 1, tzinfo=UTC)
    with connect(url) as connection:
        for number, (action, object, detail) in enumerate(details, 1):
            values = {"actor": "ada", "action": action, "object": object, "at": at}
            values |= {"detail": canonical(detail), "number": number, "event": f"event-{number}"}
            hash = link_hash(previous=previous, **values)  # type: ignore[arg-type]
            stored = "2026-01-01 00:00:00.000000" + ("" if url.startswith("sqlite") else "+00")
            connection.execute(
                text(
                    "INSERT INTO audit (number, event, at, actor, action, object, detail, previous,"
                    " hash) VALUES (:number, :event, :at, :actor, :action, :object, :detail,"
                    " :previous, :hash)"
                ),
                values | {"previous": previous, "hash": hash, "at": stored},
            )
            previous = hash
    await migrate(url, "archive")
    database = Database.open(url)
    chain = AuditChain(database)
    assert (await chain.verify()).ok
    for query, numbers in (
        (AuditQuery(project="BRAINS"), [1]),
        (AuditQuery(project="HEARTS"), [2]),
        (AuditQuery(text="moved grusse"), [2]),
    ):
        assert [one.number for one in (await chain.find(query, limit=9)).rows] == numbers
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as session:
            await session.execute(text("UPDATE audit SET words = ''"))
    await database.close()


async def test_receivers_of_an_older_archive_go_by_the_settings(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    _at(url, "archive", "a0007")
    with connect(url) as connection:
        connection.execute(
            text(
                "INSERT INTO receivers (ae_title, port, enabled, anonymize, allow_enabled, allow,"
                " rules_enabled) VALUES ('MRI', 8105, true, true, true, :allow, false)"
            ),
            {"allow": '{"entries": ["CT1"]}'},
        )
    await migrate(url, "archive")
    database = Database.open(url)
    async with database.read() as session:
        found = await receivers.all_of(session)
    await database.close()
    assert found == (Receiver(ae_title="MRI", port=8105, allow_enabled=True, allow=("CT1",)),)


async def test_a_sqlite_file_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/archive.db"
    _at(url, "archive", "a0001")
    database = Database.open(url)
    async with database.write() as session:
        await session.execute(text("INSERT INTO numbers (kind, last) VALUES ('E', 41)"))
    migrated = await migrate(url, "archive", backup=tmp_path / "copies")
    await database.close()
    assert migrated.backup is not None
    assert migrated.backup.parent == tmp_path / "copies"
    assert migrated.backup.name.startswith(f"archive.db.before-{migrated.after}-")
    with closing(sqlite3.connect(migrated.backup)) as copy:
        assert copy.execute("SELECT version_num FROM anteroom_archive_version").fetchall() == [
            ("a0001",)
        ]
        assert copy.execute("SELECT last FROM numbers").fetchall() == [(41,)]


async def test_a_newer_database_is_refused_untouched(blank_url: MakeUrl) -> None:
    url = blank_url("archive")
    await migrate(url, "archive")
    with connect(url) as connection:
        connection.execute(text("UPDATE anteroom_archive_version SET version_num = 'a9999'"))
    with pytest.raises(Refused, match="a9999") as refused:
        await migrate(url, "archive")
    assert "newer version" in refused.value.hint
    with connect(url) as connection:
        found = connection.scalar(text("SELECT version_num FROM anteroom_archive_version"))
    assert found == "a9999"


async def test_the_refusal_names_the_copies_that_lead_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/archive.db"
    _at(url, "archive", "a0001")
    copy = (await migrate(url, "archive")).backup
    with connect(url) as connection:
        connection.execute(text("UPDATE anteroom_archive_version SET version_num = 'a9999'"))
    with pytest.raises(Refused) as refused:
        await migrate(url, "archive")
    assert str(copy) in refused.value.hint


async def test_both_sections_count_their_revisions_apart(blank_url: MakeUrl) -> None:
    archive = await migrate(blank_url("archive"), "archive")
    prearchive = await migrate(blank_url("prearchive"), "prearchive")
    assert archive.after != prearchive.after


@pytest.mark.parametrize("kind", [kind for kind in BACKENDS if kind != "sqlite"])
async def test_both_sections_share_a_database_in_schemas_of_their_own(blank_url: MakeUrl) -> None:
    plain = blank_url("shared")
    for section in SECTIONS:
        url = f"{plain}{'&' if '?' in plain else '?'}schema={section}"
        await migrate(url, section)
        database = Database.open(url)
        async with database.read() as session:
            assert await session.scalar(text("SELECT current_schema()")) == section
            assert await session.scalar(text("SELECT count(*) FROM sessions")) == 0
        await database.close()


def _open_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o666)


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.parametrize("there", [False, True])
async def test_only_its_owner_reads_a_database_and_what_lies_beside_it(
    tmp_path: Path, there: bool
) -> None:
    file = tmp_path / "archive.db"
    before = os.umask(0)
    try:
        if there:
            _at(f"sqlite:///{file}", "archive", "a0003")
            (tmp_path / "archive.db.before-a0001-x").touch()
            _open_all(tmp_path)
        await migrate(f"sqlite:///{file}", "archive")
        database = Database.open(f"sqlite:///{file}")
        async with database.write() as session:
            await session.execute(text("UPDATE settings_version SET number = 7"))
        modes = _modes(tmp_path)
        await database.close()
    finally:
        os.umask(before)
    assert {"archive.db", "archive.db-wal", "archive.db-shm"} <= modes.keys()
    assert len(modes) == (5 if there else 3)
    assert set(modes.values()) == {0o600}
