# SPDX-License-Identifier: Apache-2.0
"""One filed session, by keys against an engine in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.archive import ArchiveScreen
from console.screens.base.header_view import HeaderView
from console.screens.base.overlays import TextScreen
from console.screens.filed import FiledScreen
from console.widgets.searched import SearchedLines
from engine.model.archive import HistoryEntry
from engine.model.configured import Applied, Step
from engine.model.contents import FiledContents, FileEntry, FoldedHeader
from engine.model.verification import Fault, FaultKind, Faults
from tests.console.piloting import (
    HOSTILE,
    SIZES,
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.console.screens.shelves import archive
from tests.memory import NOON, Facts
from tests.memory.archive import Archive
from tests.memory.contents import header

FIRST = "XNAT_E00001"


async def opened(pilot: Pilot[Any], facts: Facts) -> FiledScreen:
    """Open the first session of the archive."""
    await shown(pilot, "MR_0001")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, FiledScreen))
    await until(pilot, lambda: bool(keys(pilot.app, "scans")))
    screen = pilot.app.screen
    assert isinstance(screen, FiledScreen)
    return screen


def app_of(facts: Facts) -> ConsoleApp:
    return console(facts, mode="archive")


async def test_a_session_shows_scans_card_and_the_header_of_the_first_scan() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "NEURO3 / SUB-0001", "t1_mprage_sag", f"Accession {FIRST}")
        await shown(pilot, "Header of scan 1", "folded over 3 files", "PatientName")
        await pilot.press("j")
        await shown(pilot, "Header of scan 2", "folded over 150 files")


async def test_what_is_wrong_in_the_folder_is_shown_and_counts_are_those_of_the_catalogs() -> None:
    facts = archive(1)
    (card,) = facts.filed.values()
    scans = (replace(card.scans[0], files=77), *card.scans[1:])
    missing = Fault(kind=FaultKind.MISSING, path="SCANS/1/DICOM/gone.dcm")
    facts.seen[FIRST] = FiledContents(
        scans=scans, files=99, bytes=5, faults=Faults().plus((missing,))
    )
    gone = FileEntry(path=missing.path, scan="1", resource="DICOM", size=5, fault=FaultKind.MISSING)
    facts.files[FIRST] = (gone,)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "1 missing: anteroom archive verify", "77 files")
        await pilot.press("greater_than_sign")
        await shown(pilot, "gone.dcm", "missing ┃")


async def test_a_header_that_takes_long_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plainly, gate = Archive.header, asyncio.Event()
    asked: list[str] = []

    async def slowly(self: Archive, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        asked.append(scan)
        await gate.wait()
        return await plainly(self, id, scan, file)

    monkeypatch.setattr(Archive, "header", slowly)
    app = app_of(facts := archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await until(pilot, lambda: bool(asked))
        await settled(pilot)
        assert asked == ["1"]
        await pilot.press("j")
        await until(pilot, lambda: asked == ["1", "2"])
        gate.set()
        await shown(pilot, "Header of scan 2", "folded over 150 files")
        await pilot.press("k")
        await shown(pilot, "Header of scan 1", "folded over 3 files")
        assert asked == ["1", "2", "1"]


async def test_tabs_go_round() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        for tab in ("Files", "History", "Document", "Header"):
            await pilot.press("greater_than_sign")
            await shown(pilot, f"▐{tab}▌")
        await pilot.press("less_than_sign")
        await shown(pilot, "▐Document▌", f'<MRSession ID="{FIRST}"/>')


async def test_files_come_in_windows_and_one_has_its_header_alone() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await pilot.press("j", "greater_than_sign")
        await shown(pilot, "150 files listed", "1.2.3.2.1.dcm")
        await pilot.press("G")
        last = "SCANS/2/DICOM/1.2.3.2.150.dcm"
        await until(pilot, lambda: table(app, "files").cursor_key == last)
        await pilot.press("enter")
        await shown(pilot, "Header of 1.2.3.2.150.dcm")
        view = app.screen.query_one(HeaderView)
        await until(pilot, lambda: view.header is not None and view.header.files == 1)
        await pilot.press("escape")
        await shown(pilot, "▐Files▌")
        assert table(app, "files").cursor_key == last
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ArchiveScreen))


async def test_a_scan_without_headers_says_so() -> None:
    facts = archive(1)
    facts.files[FIRST] = ()
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "there is no such scan or file in the session")
        await pilot.press("greater_than_sign")
        await shown(pilot, "there is no file")


async def test_brackets_go_through_the_list_it_was_opened_from() -> None:
    facts = archive(3)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "MR_0001 (1/3)")
        await pilot.press("right_square_bracket")
        await shown(pilot, "MR_0002 (2/3)", "Accession XNAT_E00002", "Header of scan 1")
        await pilot.press("left_square_bracket")
        await shown(pilot, "MR_0001 (1/3)", f"Accession {FIRST}")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "first session" in app.context.notices.all[0].text


async def test_another_session_does_not_show_the_header_of_the_one_before() -> None:
    facts = archive(2)
    facts.headers["XNAT_E00002", "1"] = header(7)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "folded over 3 files")
        await pilot.press("right_square_bracket")
        await shown(pilot, "MR_0002 (2/2)", "folded over 7 files")


async def test_history_tells_what_was_there_before() -> None:
    facts = archive(1)
    facts.histories[FIRST] = (
        HistoryEntry(at=NOON, actor="mk", change="Added", before={}),
        HistoryEntry(
            at=NOON + timedelta(minutes=1),
            actor="hale",
            change="Modified",
            before={"label": "MR_OLD", "status": "active"},
        ),
    )
    facts.applied[FIRST] = (
        Applied(step=Step.FILED, kind="script", name="project:P", version="2", at=NOON),
    )
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await pilot.press("greater_than_sign", "greater_than_sign")
        await shown(pilot, "label MR_OLD", "hale", "nothing: it was new")
        assert keys(app, "history-rows") == ["1", "0", "filed script project:P 2"]
        await shown(pilot, "at filing", "script project:P v2")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await shown(pilot, "Modified", "MR_OLD")


async def test_document_and_header_are_searched() -> None:
    facts = archive(1)
    facts.documents[FIRST] = "\n".join(["<a>", *(f"<b n='{n}'/>" for n in range(200)), "</a>"])
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await pilot.press("less_than_sign")
        await until(pilot, lambda: len(keys(app, "document-rows")) == 202)
        await pilot.press("slash", "1", "9", "9", "enter")
        await shown(pilot, "n='199'", "1 of 1 found")
        await pilot.press("escape", "slash", "b", "enter", "n", "n")
        view = app.screen.query_one("#document", SearchedLines)
        await until(pilot, lambda: view.said == "3 of 200 found" or view.said == "2 of 200 found")
        here = view.table.cursor
        await pilot.press("N")
        assert view.table.cursor == here - 1
        await pilot.press("escape", "greater_than_sign", "slash", *"patientid", "enter")
        await until(pilot, lambda: app.screen.query_one(HeaderView).said == "1 of 1 found")


async def test_a_search_that_finds_nothing_says_so_and_n_is_off() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, facts)
        await pilot.press("less_than_sign")
        await shown(pilot, "<MRSession")
        await pilot.press("slash", *"nowhere", "enter")
        await shown(pilot, "nothing found")
        assert screen.why_off("next") == "nothing was found; / searches"


async def test_small_windows_have_tabs_for_scans_and_card() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "▐Header▌", "PatientName")
        assert "t1_mprage_sag  " not in painted(app).split("SeriesDescription")[0]
        await pilot.press("less_than_sign")
        await shown(pilot, "▐Card▌", f"Accession {FIRST}")
        await pilot.press("less_than_sign")
        await shown(pilot, "▐Scans▌", "ep2d_fmri")
        await pilot.press("j", "enter")
        await shown(pilot, "▐Header▌", "Header of scan 2")
        await pilot.press("less_than_sign", "less_than_sign")
        await shown(pilot, "▐Scans▌")
        await pilot.resize_terminal(*WIDE)
        await shown(pilot, "▐Header▌", "PatientName", "ep2d_fmri")


async def test_what_is_under_the_cursor_can_be_copied() -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, facts)
        await shown(pilot, "PatientName")
        names = {one.title: one.text for one in screen.copies()}
        assert names["accession"] == FIRST
        assert names["command"] == f"anteroom archive show {FIRST}"
        await pilot.press("enter", "y")
        await shown(pilot, "Copy", "(0002,0010)")


async def test_a_session_that_is_gone_is_told() -> None:
    facts = archive(2)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, facts)
        await shown(pilot, "MR_0001 (1/2)")
        del facts.filed["XNAT_E00002"]
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "no such session" in app.context.notices.all[0].text
        await pilot.press("left_square_bracket")
        await shown(pilot, "MR_0001 (1/2)", f"Accession {FIRST}")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    facts = archive(1, label=HOSTILE, subject=HOSTILE, project=HOSTILE, description=HOSTILE)
    facts.documents[FIRST] = HOSTILE
    change = HistoryEntry(at=NOON, actor=HOSTILE, change=HOSTILE, before={HOSTILE: HOSTILE})
    facts.histories[FIRST] = (change,)
    app = app_of(facts)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: bool(keys(app, "filed")))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await until(pilot, lambda: bool(keys(app, "scans")))
        for key in (*["greater_than_sign"] * 6, "greater_than_sign", "enter", "escape", "y"):
            await pilot.press(key)
            await pilot.pause(0.05)
            text = painted(app)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
            assert len(text.splitlines()) == size[1]
