# SPDX-License-Identifier: Apache-2.0
"""The session's own screen: what it shows, where its keys lead, and that it follows what happens to
the session."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.session_panes import PANES
from console.screens.prearchive import PrearchiveScreen
from console.screens.session import SessionScreen
from console.views import glyphs
from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind, SessionContents
from engine.model.contradictions import (
    ALL_ONE,
    Alternative,
    Choice,
    Contradiction,
    ContradictionKind,
)
from engine.model.errors import Outage, Unavailable
from engine.model.live import Event
from engine.model.prearchive import PrearchiveSession
from engine.model.routing import Route
from engine.model.states import Status
from tests.console.piloting import (
    HOSTILE,
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    shown,
    table,
    turned,
    until,
)
from tests.memory import NOON, Facts, session

FIRST, SECOND, THIRD = (f"pre_aaaaaaa{number}" for number in (1, 2, 3))


def facts(*sessions: PrearchiveSession) -> Facts:
    made = Facts()
    made.keep(*(sessions or (session(1), session(2), session(3))))
    return made


async def opened(
    pilot: Pilot[Any], id: str = FIRST, among: tuple[str, ...] = (FIRST, SECOND, THIRD)
) -> SessionScreen:
    """Open a session over the list of the prearchive."""
    app: Any = pilot.app
    await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))
    screen = SessionScreen(app.context, id, among=among)
    await app.push_screen(screen)
    await until(pilot, lambda: screen.session is not None or bool(screen.gone))
    return screen


def prearchive(made: Facts, **options: Any) -> ConsoleApp:
    return console(made, "prearchive", **options)


async def test_the_list_opens_a_session_with_those_around_it() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await pilot.press("j", "enter")
        await shown(pilot, "Prearchive ▸ MR_2 (2/3)", "NEURO3 / SUB-2", "PatientName", "DOE^JANE")
        screen = painted(app)
        assert "● ready" in screen
        assert "a archives it as NEURO3" in screen
        assert "‹Header›│Done│To come" in screen
        assert "all scans · folded over 20 files" in screen
        await pilot.press("escape")
        assert isinstance(app.screen, PrearchiveScreen)


async def test_a_scan_shows_its_own_header() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("j")
        await shown(pilot, "scan 4 · folded over 5 files", "scan 1 of 2 scans")


async def test_tabs_turn_both_ways() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "PatientName")
        await turned(pilot, "Routing")
        await shown(pilot, "‹Routing›", "✓ study description", "by the rules in force now")
        await pilot.press(">")
        await shown(pilot, "‹Time›", "t1_mprage_sag", "released, 1 duplicate")
        await pilot.press(">")
        await shown(pilot, "‹Log›", "received, asked by me", "newest first")
        await pilot.press(">")
        await shown(pilot, "‹Files›", "1.2.3.4.1.dcm", "10 files of all scans")
        await pilot.press(">")
        await shown(pilot, "‹Header›")
        await pilot.press("<", "<")
        await shown(pilot, "‹Log›")
        assert table(app, "scans").has_focus


async def test_o_shows_the_log_with_the_reason_on_top() -> None:
    app = prearchive(facts(session(1, status=Status.CONFLICT, reason="one UID, two contents")))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("o")
        await shown(pilot, "‹Log›", "reason", "one UID, two contents")
        assert keys(app, "log") == ["reason", "1"]
        await pilot.press("tab", "tab", "enter")
        await shown(pilot, "one UID, two contents", "esc closes")


async def test_a_file_shows_its_header_alone_and_esc_leads_back() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await pilot.press("<")
        await shown(pilot, "1.2.3.4.2.dcm")
        await pilot.press("tab", "tab", "j", "enter")
        await shown(pilot, "1.2.3.4.2.dcm alone", "InstanceNumber       IS 1 ")
        await pilot.press("escape")
        await shown(pilot, "‹Files›")
        assert screen.file == ""
        assert table(app, "files").cursor_key == "SCANS/4/DICOM/1.2.3.4.2.dcm"
        await pilot.press("escape")
        assert isinstance(app.screen, PrearchiveScreen)


async def test_files_are_asked_for_in_windows() -> None:
    many = session(1, objects=400, scans=2)
    app = prearchive(facts(many))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("<")
        await shown(pilot, "400 files of all scans", "1.2.3.4.1.dcm")
        assert len(keys(app, "files")) == 100
        await pilot.press("tab", "tab", "G")
        await shown(pilot, "1.2.3.5.200.dcm")


async def test_a_search_begins_anywhere_and_goes_on_with_n() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        assert screen.why_not("next")
        await pilot.press("slash", *"patient", "enter")
        await shown(pilot, "1 of 2 found")
        await pilot.press("n")
        await shown(pilot, "2 of 2 found")
        assert screen.panes.header.table.cursor_key == "(0010,0020)"
        await pilot.press("N")
        await shown(pilot, "1 of 2 found")
        await pilot.press("escape")
        await until(pilot, lambda: "found" not in painted(app))
        assert app.screen is screen


async def test_brackets_go_through_the_list_and_keep_tab_and_cursor() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        await pilot.press("j", "j")
        await until(pilot, lambda: screen.scan == "5")
        await pilot.press("tab", "tab", "j", "j", "j")
        await until(pilot, lambda: screen.panes.header.table.cursor_key == "(0008,0016)")
        await pilot.press("]")
        await shown(pilot, "MR_2 (2/3)", "scan 5 · folded over 10 files")
        assert table(app, "scans").cursor_key == "scan:5"
        assert screen.panes.header.table.cursor_key == "(0008,0016)"
        await pilot.press("[")
        await shown(pilot, "MR_1 (1/3)", "scan 5 · folded over 5 files")
        await pilot.press("[")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "this is the first"
        assert screen.followed == FIRST


async def test_nothing_of_one_session_is_left_under_the_name_of_the_next() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        await turned(pilot, "Routing")
        await shown(pilot, "study description")
        await pilot.press(">")
        await shown(pilot, "released")
        await turned(pilot, "Files")
        await shown(pilot, "1.2.3.4.1.dcm")
        assert all(keys(app, name) for name in ("scans", "routing", "time", "log", "files"))
        del made.sessions[SECOND]
        await pilot.press("]")
        await until(pilot, lambda: bool(screen.gone))
        assert not any(keys(app, name) for name in ("scans", "routing", "time", "log", "files"))
        assert screen.panes.header.header is None
        assert "MR_1" not in painted(app)


@pytest.mark.parametrize("verb", ["a", "x"])
async def test_after_an_act_the_next_session_opens_and_then_the_list(verb: str) -> None:
    made = facts(session(1), session(2))
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, FIRST, (FIRST, SECOND))
        for label in ("MR_1", "MR_2"):
            await shown(pilot, f"▸ {label} (1/", "● ready")
            await pilot.press(verb)
            await until(pilot, lambda: app.screen is not screen)
            if verb == "x":
                await pilot.press("tab", *"reason", "enter")
            await until(pilot, lambda: getattr(app.focused, "id", "") == "act")
            await pilot.press("enter")
            await until(pilot, lambda label=label: f"▸ {label} (" not in painted(app))  # type: ignore[misc]
        await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))
        await until(pilot, lambda: not made.sessions)


async def test_what_is_refused_does_not_lead_on() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "● ready")
        await pilot.press("a")
        await until(pilot, lambda: app.screen is not screen)
        made.keep(session(1, status=Status.BUILDING, locked=True))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await shown(pilot, "◑ _building")
        assert screen.followed == FIRST


async def test_a_session_that_goes_says_what_became_of_it() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        made.trashed[FIRST] = made.sessions.pop(FIRST)
        await made.tell("session", FIRST, "delete done")
        await shown(pilot, f"{FIRST}: it was deleted by me; until 2026-10-1")
        assert "PatientName" not in painted(app)
        assert "deleted" in screen.why_off("archive")
        await pilot.press("a")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text.startswith("not now: ")
        assert app.screen is screen
        made.keep(made.trashed.pop(FIRST))
        await made.tell("session", FIRST, "restore done")
        await shown(pilot, "MR_1 (1/3)", "PatientName")
        assert not screen.why_off("archive")


async def test_a_session_that_never_was_is_told() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "pre_zzzzzzz9", ())
        await shown(pilot, "pre_zzzzzzz9: it is not in the prearchive any more")


@pytest.mark.parametrize(
    ("kind", "object", "concerns"),
    [
        ("session", FIRST, True),
        ("session", SECOND, False),
        ("transfer", FIRST, False),
        ("configuration", "", True),
    ],
)
def test_only_news_of_the_session_or_of_the_rules_concern_it(
    kind: str, object: str, concerns: bool
) -> None:
    screen = SessionScreen(prearchive(facts()).context, FIRST)
    event = Event(number=1, at=NOON, kind=kind, object=object, text="")
    assert screen.concerns(event) is concerns


async def test_a_session_that_is_received_grows_and_says_why_it_waits() -> None:
    made = facts(session(1, status=Status.RECEIVING, objects=10))
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "◐ receiving", "a is off: objects are still arriving", "10 objects")
        await shown(pilot, "folded over 10 files")
        made.keep(session(1, status=Status.RECEIVING, objects=30))
        await made.tell("session", FIRST, "objects arrived, RECEIVING")
        await shown(pilot, "30 objects")
        # The header is not read again with each object that comes; ctrl+r does it.
        assert "folded over 10 files" in painted(app)
        await pilot.press("ctrl+r")
        await shown(pilot, "folded over 30 files")
        assert screen.why_off("archive")


async def test_masked_labels_are_shown_only_while_they_are_revealed() -> None:
    hidden = session(1, project=None, label="DOE_L", subject="DOE_S", folder="DOE_L")
    made = facts(hidden)
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, f"▸ {glyphs.MASK} (1/3)", "Unassigned", "‹PN 8›")
        told = {
            "Routing": f"Session                    {glyphs.MASK}",
            **{"Time": "released", "Log": "received", "Files": ".dcm", "Header": "‹PN"},
        }
        for tab, said in told.items():
            await turned(pilot, tab)
            await shown(pilot, said)
            assert "DOE" not in painted(app)
        assert "DOE_" not in str(screen.copies())
        assert "DOE_" not in str(screen.exports())
        app.context.revealed_until = NOON + timedelta(minutes=2)
        app.masks_changed()
        await shown(pilot, "▸ DOE_L (1/3)", "Belongs   Unassigned / DOE_S", "DOE^JANE")
        app.context.revealed_until = None
        app.masks_changed()
        await until(pilot, lambda: "DOE" not in painted(app))


async def test_those_who_only_watch_see_no_label_and_no_header() -> None:
    made = facts(session(1, label="SECRET_LABEL", subject="SECRET_SUBJECT"))
    app = console(made, "live", watching=True)
    async with app.run_test(size=WIDE) as pilot:
        screen = SessionScreen(app.context, FIRST)
        await app.push_screen(screen)
        await shown(pilot, "not shown to those who only watch")
        told = {
            **{"Done": "only watch", "To come": "only watch", "Routing": "only watch"},
            **{"Time": "released", "Log": "received", "Files": ".dcm"},
        }
        for tab, said in told.items():
            await turned(pilot, tab)
            await shown(pilot, said)
            for secret in ("SECRET", "DOE", "t1_mprage"):
                assert secret not in painted(app)
        assert "SECRET" not in str(screen.copies())
        assert screen.why_off("archive") == "this console only watches"


def conflicting(project: str | None = "NEURO3") -> Facts:
    """A session with the objects of two patients."""
    row = session(1, project=project, status=Status.CONFLICT, contradictions=1, reason="2 patients")
    made = facts(row)
    made.contradictions[FIRST] = (
        Contradiction(
            number=1,
            kind=ContradictionKind.PATIENT,
            reason="objects of 2 patients are in the session",
            alternatives=(
                Alternative(number=1, objects=2, scans=("1",), name="ALPHA^ANNA", own=True),
                Alternative(number=2, objects=1, scans=("2",), name="BETA^BOB", sex="M"),
            ),
        ),
    )
    return made


@pytest.mark.parametrize(
    ("pressed", "keep", "subject"), [((), 1, ""), (("j",), 2, "S9"), (("j", "j"), ALL_ONE, "")]
)
async def test_w_shows_what_contradicts_itself_and_does_what_is_decided(
    pressed: tuple[str, ...], keep: int, subject: str
) -> None:
    made = conflicting()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        assert "w does" in screen.why_not("archive")
        await pilot.press("w")
        await shown(pilot, "keep 1", "ALPHA^ANNA", "BETA^BOB · M", "one patient")
        await pilot.press(*pressed, "enter")
        await shown(pilot, "Decide 1 contradiction of MR_1?", "anteroom prearchive resolve")
        if subject:
            # Nothing tells it, and the script would write the first patient's over the second.
            await pilot.press(*subject, "enter")
        await pilot.press("tab" if not subject else "enter")
        app.screen.query_one("#act").focus()
        await pilot.press("enter")
        await until(pilot, lambda: bool(made.decided))
        assert made.decided == [(FIRST, (Choice(contradiction=1, keep=keep),), subject)]


async def test_whose_objects_they_are_is_masked_where_labels_are() -> None:
    made = conflicting(project=None)
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("w")
        await shown(pilot, "keep 1", glyphs.MASK)
        assert "ALPHA" not in painted(app) and "BETA" not in painted(app)


async def test_w_says_why_there_is_nothing_to_decide() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        assert screen.why_not("resolve") == "nothing in it contradicts itself"


async def test_what_came_late_says_where_it_belongs() -> None:
    late = session(1, belongs_to="ANTEROOM_E00012", objects=2, duplicates=2)
    app = prearchive(facts(late))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "● ready, late")
        await opened(pilot)
        await shown(pilot, "ANTEROOM_E00012: 2 new", "2 duplicates")


async def test_at_80_columns_the_panes_are_tabs() -> None:
    app = prearchive(facts())
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "▐Scans▌", "▸ MR_1 (1/3)", "● ready", "t1_mprage_sag")
        assert "PatientName" not in painted(app)
        await pilot.press("j", "enter")
        await shown(pilot, "▐Header▌", "PatientName", "scan 4 · folded over 5 files")
        assert "ep2d_bold_rest" not in painted(app)
        for tab in (*(title for title in PANES.values() if title != "Header"), "Scans"):
            await pilot.press(">")
            await shown(pilot, f"▐{tab}▌")
            assert app.focused is not None
            assert app.focused.display
        await pilot.press("<")
        await shown(pilot, "▐Files▌", "5 files of scan 4")
        await pilot.resize_terminal(*WIDE)
        await shown(pilot, "‹Files›", "Scans ─")
        await pilot.resize_terminal(*SMALL)
        await shown(pilot, "▐Files▌")
        assert max(map(len, painted(app).splitlines())) == 80
        assert app.screen is screen


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_hostile_texts_act_nowhere(size: tuple[int, int]) -> None:
    one = session(
        1,
        label=HOSTILE,
        subject=HOSTILE,
        project=HOSTILE,
        calling=HOSTILE,
        reason=HOSTILE,
        status=Status.CONFLICT,
    )
    made = facts(one)
    app = prearchive(made)
    scans = tuple(
        replace(scan, series_description=HOSTILE, id=f"{scan.id}{HOSTILE}")
        for scan in (await app.context.engine.prearchive.contents(FIRST)).scans
    )
    made.contents[FIRST] = SessionContents(scans=scans, built=True, warnings=(HOSTILE,))
    row = HeaderRow(
        path="(0010,0010)",
        tag="(0010,0010)",
        kind=RowKind.ELEMENT,
        depth=0,
        vr=HOSTILE,
        name=HOSTILE,
        values=(FoldedValue(text=HOSTILE + "x" * 60_000, files=1),),
        distinct=1,
        files=1,
    )
    made.headers[FIRST, ""] = FoldedHeader(rows=(row,), files=1)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        said = {
            "Scans": "[/b]",
            "Header": "0010,0010",
            "Routing": "study description",
            "Time": "released",
            "Log": "[/b]",
            "Files": ".dcm",
        }
        tabs = [*list(PANES.values())[1:], "Header"]
        for tab in tabs if size == WIDE else ["Header", *tabs[:-1], "Scans"]:
            await pilot.press(">")
            await shown(pilot, f"‹{tab}›" if size == WIDE else f"▐{tab}▌", said.get(tab, ""))
            screen = painted(app)
            assert "\x1b" not in screen
            assert "\x9b" not in screen
            assert "\u202e" not in screen
            assert max(map(len, screen.splitlines())) == size[0]


async def test_the_rows_of_the_pane_on_show_can_be_written() -> None:
    app = prearchive(facts())
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        offered = screen.exports()
        assert offered is not None
        assert offered.name == f"header-{FIRST}"
        assert not callable(offered.rows)
        assert ("0010,0010", "PatientName", "PN", "DOE^JANE") in offered.rows
        await pilot.press("<")
        await shown(pilot, "1.2.3.4.1.dcm")
        files = screen.exports()
        assert files is not None
        assert callable(files.rows)
        written = await files.rows(lambda done, of: None)
        assert len(written) == 10


async def test_late_answers_to_old_questions_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    made = facts()
    app = prearchive(made)
    api: Any = app.context.engine.prearchive
    held, header, route = asyncio.Event(), api.header, api.route

    async def slow_header(id: str, scan: str = "", file: str = "") -> FoldedHeader:
        if id == FIRST:
            await held.wait()
        found: FoldedHeader = await header(id, scan, file)
        return found

    async def slow_route(id: str) -> Route:
        if id == FIRST:
            await held.wait()
        found: Route = await route(id)
        return replace(found, session=f"routed {id}")

    monkeypatch.setattr(api, "header", slow_header)
    monkeypatch.setattr(api, "route", slow_route)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await turned(pilot, "Routing")
        await pilot.press("]")
        await shown(pilot, "MR_2 (2/3)", f"routed {SECOND}")
        held.set()
        await turned(pilot, "Header")
        await shown(pilot, "folded over 20 files")
        assert screen.route is not None
        assert screen.route.session == f"routed {SECOND}"
        assert f"routed {FIRST}" not in painted(app)


async def test_what_was_asked_during_an_outage_is_asked_again_without_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = prearchive(facts())
    api: Any = app.context.engine.prearchive

    async def full(*words: str) -> None:
        raise Outage("the database is full")

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        with monkeypatch.context() as outage:
            for name in ("show", "contents", "header"):
                outage.setattr(api, name, full)
            outage.setattr(app.context.engine.system, "status", full)
            await pilot.press("enter")
            await shown(pilot, "the database is full; what is shown is old", "asking the engine")
        await shown(pilot, "PatientName", "● ready")


async def test_what_is_known_stays_while_the_engine_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = facts()
    app = prearchive(made)
    api: Any = app.context.engine.prearchive

    async def silent(*words: str) -> None:
        raise Unavailable("the engine does not answer")

    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "PatientName")
        with monkeypatch.context() as lost:
            lost.setattr(api, "show", silent)
            lost.setattr(app.context.engine.system, "status", silent)
            await pilot.press("ctrl+r")
            await shown(pilot, "what is shown is old", "PatientName", "● ready")
        made.keep(session(1, status=Status.ERROR, reason="two kinds of images"))
        await made.tell("session", FIRST, "built")
        await shown(pilot, "✗ error", "two kinds of images")
        assert screen.why_off("archive")
