# SPDX-License-Identifier: Apache-2.0
"""Prearchive rows: found by any of their names, listed in windows, changed by the state machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.database.connection import Database
from engine.model.errors import Conflict, NotFound
from engine.model.filters import parse_filter
from engine.model.prearchive import PrearchiveQuery
from engine.model.states import Status, Verb
from engine.prearchive import rows
from engine.prearchive.tables import SessionRow

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def row(id: str = "pre_a", **values: Any) -> SessionRow:
    plain: dict[str, Any] = {
        "project": "P1",
        "timestamp": "20260102_030405006",
        "folder": id,
        "label": "MR1",
        "subject": "S1",
        "received_study_uid": f"1.2.{id}",
        "status": Status.READY,
        "locked": False,
        "accepting": True,
        "attempt": 0,
        "uploaded": NOON,
        "lastmod": NOON,
        "last_object": NOON,
    }
    return SessionRow(id=id, **plain | values)


async def keep(database: Database, *made: SessionRow) -> None:
    async with database.write() as transaction:
        transaction.add_all(made)


def test_the_folder_is_where_the_session_is_now() -> None:
    home = Path("/prearchive")
    assert rows.folder_of(row(), home) == home / "P1" / "20260102_030405006" / "pre_a"
    assert rows.folder_of(row(project=None), home) == home / "20260102_030405006" / "pre_a"
    assert rows.folder_of(row(working_folder=".work/a"), home) == home / ".work/a"


async def test_a_session_is_found_by_id_label_and_address(prearchive: Database) -> None:
    await keep(
        prearchive,
        row("pre_a", label="one"),
        row("pre_b", label="two"),
        row("pre_c", label="two", project=None),
    )
    async with prearchive.read() as transaction:
        for name, id in (
            ("pre_a", "pre_a"),
            ("one", "pre_a"),
            ("/prearchive/projects/P1/20260102_030405006/pre_b", "pre_b"),
            ("/data/prearchive/projects/Unassigned/20260102_030405006/pre_c/", "pre_c"),
        ):
            assert await rows.find(transaction, name) == id
        with pytest.raises(Conflict):
            await rows.find(transaction, "two")
        for name in ("", "none", "/prearchive/projects/P2/20260102_030405006/pre_b"):
            with pytest.raises(NotFound):
                await rows.find(transaction, name)
        assert (await rows.get(transaction, "pre_a")).label == "one"
        with pytest.raises(NotFound):
            await rows.get(transaction, "pre_x")


async def test_a_listing_is_a_window_of_what_matches(prearchive: Database) -> None:
    await keep(
        prearchive,
        *(row(f"pre_{n}", last_object=NOON + timedelta(seconds=n)) for n in range(5)),
        row("pre_u", project=None, label="100%_done", status=Status.ERROR, subject=None),
    )

    async def ids(offset: int = 0, limit: int = 100, **values: Any) -> tuple[list[str], int]:
        async with prearchive.read() as transaction:
            page = await rows.list_page(transaction, PrearchiveQuery(**values), offset, limit)
        return [each.id for each in page.rows], page.total

    assert await ids(1, 2, project="P1") == (["pre_3", "pre_2"], 5)
    assert await ids(0, 2, sort="last_object", descending=False) == (["pre_0", "pre_u"], 6)
    assert await ids(0, 1, sort="no such column") == (["pre_4"], 6)
    assert await ids(project="Unassigned") == (["pre_u"], 1)
    assert await ids(status=(Status.ERROR,)) == (["pre_u"], 1)
    assert await ids(tag="1.2.pre_3") == (["pre_3"], 1)
    assert await ids(text="%_D") == (["pre_u"], 1)
    assert await ids(text="_3") == (["pre_3"], 1)
    assert await ids(label="MR1", subject="S1", text="p1") == (
        [f"pre_{n}" for n in (4, 3, 2, 1, 0)],
        5,
    )
    async with prearchive.read() as transaction:
        assert await rows.counts(transaction) == {"READY": 5, "ERROR": 1}


def test_a_job_owns_its_row_from_queue_to_end() -> None:
    session = row()
    assert rows.queue(session, Verb.ARCHIVE) == "pre_a:archive:1"
    assert session.status == Status.QUEUED_ARCHIVING
    assert rows.begin(session, Verb.ARCHIVE, 1)
    assert (session.status, session.locked) == (Status.ARCHIVING, True)
    # Resumed after a crash, in the middle of its work.
    assert rows.begin(session, Verb.ARCHIVE, 1)
    assert not rows.begin(session, Verb.MOVE, 1)
    rows.settle(session, Status.CONFLICT, "it is there already")
    assert (session.locked, session.reason) == (False, "it is there already")
    assert not rows.begin(session, Verb.ARCHIVE, 1)


def test_an_overtaken_job_does_not_begin() -> None:
    session = row()
    rows.queue(session, Verb.REBUILD)
    rows.settle(session, Status.READY)
    assert rows.queue(session, Verb.REBUILD) == "pre_a:rebuild:2"
    assert not rows.begin(session, Verb.REBUILD, 1)
    assert rows.begin(session, Verb.REBUILD, 2)


def test_a_build_that_was_interrupted_still_owns_its_row() -> None:
    session = row()
    rows.queue(session, Verb.REBUILD)
    rows.begin(session, Verb.REBUILD, 1)
    rows.change(session, Status.RECEIVING_INTERRUPT)
    assert rows.begin(session, Verb.REBUILD, 1)
    with pytest.raises(Conflict):
        rows.queue(session, Verb.REBUILD)
    with pytest.raises(Conflict):
        rows.queue(session, Verb.DELETE)
    assert (session.attempt, session.status) == (1, Status.RECEIVING_INTERRUPT)


def test_what_the_state_forbids_changes_nothing() -> None:
    session = row(status=Status.ERROR)
    with pytest.raises(Conflict, match="rebuilt"):
        rows.queue(session, Verb.ARCHIVE)
    assert (session.status, session.attempt, session.lastmod) == (Status.ERROR, 0, NOON)


def test_who_takes_late_objects() -> None:
    assert rows.may_accept(row(status=Status.BUILDING))
    assert not rows.may_accept(row(status=Status.QUEUED_ARCHIVING))


def test_the_outside_sees_the_row() -> None:
    session = rows.to_session(row(project=None, status=Status.BUILDING, locked=True))
    assert session.url == "/prearchive/projects/Unassigned/20260102_030405006/pre_a"
    assert session.shown_status == "_BUILDING"
    assert session.tag == "1.2.pre_a"


async def test_sessions_that_jobs_own_are_counted(prearchive: Database) -> None:
    await keep(
        prearchive,
        row("pre_a", status=Status.QUEUED_ARCHIVING),
        row("pre_b", status=Status.BUILDING, locked=True),
        row("pre_c", status=Status.RECEIVING_INTERRUPT, locked=True),
        row("pre_d", status=Status.RECEIVING_INTERRUPT),
        row("pre_e", status=Status.READY),
    )
    async with prearchive.read() as transaction:
        counts = await rows.counts(transaction)
        assert await rows.owned_by_jobs(transaction, counts) == 3
        assert await rows.owned_by_jobs(transaction, {}) == 1


async def test_nothing_is_found_or_ordered_by_labels_that_are_masked(prearchive: Database) -> None:
    await keep(
        prearchive,
        row("pre_a", project=None, label="DOE_JANE", subject="P2", folder="DOE_JANE"),
        row("pre_b", project=None, label="ADAMS", subject=None, folder="ADAMS"),
        row("pre_c", label="DOE_1", subject="P1"),
    )

    async def found(text: str = "", sort: str = "label", **values: Any) -> list[str]:
        typed = parse_filter(text)
        query = PrearchiveQuery(
            text=typed.text,
            where=typed.conditions,
            sort=sort,
            descending=False,
            masked=True,
            **values,
        )
        async with prearchive.read() as transaction:
            return [one.id for one in (await rows.list_page(transaction, query, 0, 10)).rows]

    for guess in ("doe", "session:DOE*", "jane", "subject:P*"):
        assert "pre_a" not in await found(guess)
        assert "pre_b" not in await found(guess)
    assert await found("!session:doe* !subject:p2") == ["pre_a", "pre_b"]
    assert await found(label="ADAMS") == await found(subject="P2") == []
    # As if they had no label: by id alone.
    for sort in ("label", "subject"):
        assert await found(sort=sort) == ["pre_a", "pre_b", "pre_c"]
    assert await found("pre_a") == ["pre_a"]
    assert await found("doe") == ["pre_c"]
