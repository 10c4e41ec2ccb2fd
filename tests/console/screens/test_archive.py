# SPDX-License-Identifier: Apache-2.0
"""The archive, by keys against an engine in memory."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from console.screens.archive import ArchiveScreen
from console.screens.filed import FiledScreen
from engine.model.archive import SessionPage, SessionQuery, SessionStatus
from engine.model.errors import Unavailable
from engine.service.nouns.archive import ALL_FILED
from tests.console.piloting import (
    HOSTILE,
    SIZES,
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    shown,
    table,
    until,
)
from tests.console.screens.shelves import archive, filed
from tests.memory import Facts
from tests.memory.archive import Archive


def typed(text: str) -> list[str]:
    """Return the keys that type a text."""
    names = {" ": "space", ":": "colon", "<": "less_than_sign", "-": "minus", "*": "asterisk"}
    return [names.get(one, one) for one in text]


def accessions(*numbers: int) -> list[str]:
    return [f"XNAT_E{number:05}" for number in numbers]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_an_empty_archive_says_so(size: tuple[int, int]) -> None:
    app = console(Facts(), mode="archive")
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "the archive is empty", "0 of 0 sessions")
        await pilot.press("enter", "c", "s", "y")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "not now: the list is empty"
        assert isinstance(app.screen, ArchiveScreen)


async def test_a_long_list_comes_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    plainly = Archive.list

    async def watched(
        self: Archive, query: SessionQuery = ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage:
        asked.append((offset, limit))
        return await plainly(self, query, offset, limit)

    monkeypatch.setattr(Archive, "list", watched)
    app = console(archive(1000), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001", "1 000 of 1 000 sessions")
        assert {offset for offset, _ in asked} == {0}
        await pilot.press("G")
        await until(pilot, lambda: table(app, "filed").cursor_key == "XNAT_E01000")
        await pilot.press("k", "k")
        assert table(app, "filed").cursor_key == "XNAT_E00998"
        assert {offset for offset, _ in asked} == {0, 900}
        assert {limit for _, limit in asked} == {100}


async def test_a_query_narrows_the_list_and_esc_drops_it() -> None:
    facts = archive(3, project="ONCO7")
    app = console(facts, mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 of 3 sessions")
        await pilot.press("slash", *typed("project:ONCO7"), "enter")
        await until(pilot, lambda: keys(app, "filed") == accessions(1))
        await shown(pilot, "1 of 3 session")
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(app, "filed")) == 3)
        await pilot.press("slash", *typed("mr_0002"), "enter")
        await until(pilot, lambda: keys(app, "filed") == accessions(2))


async def test_a_query_that_finds_nothing_says_so() -> None:
    app = console(archive(3), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 of 3 sessions")
        await pilot.press("slash", *typed("project:NOWHERE"), "enter")
        await shown(pilot, "nothing fits the query; esc drops it", "0 of 3 sessions")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("nofield:1", "there is no field nofield"),
        ("files<many", "the rows are those of the query before"),
    ],
)
async def test_a_query_that_is_wrong_says_why_and_keeps_the_rows(query: str, fault: str) -> None:
    app = console(archive(3), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 of 3 sessions")
        await pilot.press("slash", *typed(query), "enter")
        await shown(pilot, fault)
        assert len(keys(app, "filed")) == 3
        await pilot.press("escape")
        await shown(pilot, "3 of 3 sessions")


async def test_the_card_follows_the_cursor_once_it_rests() -> None:
    app = console(archive(3, gender="female", acquisition_site="North"), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Accession XNAT_E00001", "North", "female", "2 t1_mprage_sag")
        await pilot.press("j")
        await shown(pilot, "Accession XNAT_E00002")
        await pilot.press("c")
        await until(pilot, lambda: "t1_mprage_sag" not in painted(app))


async def test_states_have_a_sign_and_a_word() -> None:
    facts = archive(4, status=SessionStatus.QUARANTINE)
    facts.filed["XNAT_E00002"] = filed(2, status=SessionStatus.LOCKED)
    facts.filed["XNAT_E00003"] = filed(3, status=SessionStatus.OBSOLETE)
    app = console(facts, mode="archive")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "◐ quarantine", "▪ locked", "○ obsolete", "● active")


async def test_the_order_changes_and_is_remembered() -> None:
    app = console(archive(3), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "by added ↓")
        for _ in range(3):
            await pilot.press("s")
        await shown(pilot, "by subject ↑")
        await pilot.press("S")
        await shown(pilot, "by subject ↓")
        await until(pilot, lambda: keys(app, "filed") == accessions(3, 2, 1))
        assert app.context.memory.state.list("archive").sort == "subject"


async def test_a_view_is_a_query() -> None:
    app = console(archive(3, status=SessionStatus.QUARANTINE), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 of 3 sessions")
        await pilot.press("f")
        await shown(pilot, "Views", "not released yet")
        await pilot.press("j", "enter")
        await until(pilot, lambda: keys(app, "filed") == accessions(1))
        assert app.screen.query_one("#query Input", Input).value == "status:quarantine"


async def test_what_is_archived_meanwhile_comes_in() -> None:
    facts = archive(1)
    app = console(facts, mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, facts.waited.is_set)
        await shown(pilot, "MR_0001")
        facts.filed["XNAT_E00002"] = filed(2)
        await facts.tell("session", "pre_aaaaaaa1", "archive done")
        await shown(pilot, "MR_0002")


async def test_enter_opens_a_session_among_those_of_the_list() -> None:
    app = console(archive(3), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0003")
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await shown(pilot, "Archive ▸ MR_0002 (2/3)")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ArchiveScreen))
        assert table(app, "filed").cursor_key == "XNAT_E00002"


async def test_an_engine_that_is_gone_is_told_and_its_rows_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(*_: object, **__: object) -> SessionPage:
        raise Unavailable("the engine did not answer")

    app = console(archive(2), mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0002")
        monkeypatch.setattr(Archive, "list", gone)
        await pilot.press("ctrl+r")
        await shown(pilot, "the engine did not answer; what is shown is old", "MR_0002")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    hostile = {
        name: HOSTILE for name in ("label", "subject", "project", "scanner", "description", "age")
    }
    app = console(archive(2, **hostile), mode="archive")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "filed")) == 2)
        await until(pilot, lambda: "cHdu" in painted(app) or size[0] < 80)
        texts = []
        for key in ("c", "j", "k", "y", "escape", "e", "enter"):
            await pilot.press(key)
            await pilot.pause()
            texts.append(painted(app))
        assert app.screen is not app.screen_stack[0]
        for text in texts:
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
            assert len(text.splitlines()) == size[1]
