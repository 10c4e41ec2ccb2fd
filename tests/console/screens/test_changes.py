# SPDX-License-Identifier: Apache-2.0
"""The panes that show what scripts did to a session and what they will do: by keys alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.screens.base.overlays import TextScreen
from console.screens.script import ScriptScreen
from console.screens.session import SessionScreen
from console.views import figures
from console.views.changes import changed
from engine.model.changes import FoldedFailure
from engine.model.errors import InvalidInput
from engine.model.scripts import ScriptText
from tests.console.piloting import SMALL, WIDE, console, keys, painted, shown, table, until
from tests.memory import Facts, session
from tests.memory.changes import done, to_come
from tests.memory.prearchive import Prearchive

ID, FILES = "pre_aaaaaaa1", 10
MANY = figures.grouped(2_000)
SCRIPT = "\n".join(f"// line {number}" for number in range(1, 40))


def facts(**values: Any) -> Facts:
    made = Facts()
    made.keep(session(1, **values))
    made.done[ID], made.to_come[ID] = done(FILES), to_come(FILES)
    for scope in ("site", "project:NEURO3"):
        made.scripts[scope] = [
            ScriptText(scope=scope, version=7, text=SCRIPT, active=True, enabled=True)
        ]
    return made


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_from_a_change_to_the_line_that_made_it(size: tuple[int, int]) -> None:
    app = console(facts(), "prearchive")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">")
        await pilot.press(*((">",) if size == SMALL else ()))
        await shown(pilot, "AccessionNumber", "‹SH 8› → removed", "site v7:7")
        await shown(pilot, "3 changed, 2 removed, 1 added")
        await pilot.press(*(("tab", "tab") if size == WIDE else ()))
        await until(pilot, lambda: app.screen.focused is table(app, "done"))
        await pilot.press("n", "o")
        await until(pilot, lambda: isinstance(app.screen, ScriptScreen))
        await shown(pilot, "// line 4", "Ln 4 Col 1")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await pilot.press("enter")
        await shown(pilot, "InstitutionName", "‹LO 14›", "all 10")
        await pilot.press("escape", ">")
        await shown(pilot, "20260911 → 20260828", "NEURO3 v7:5", "in 1 of 10: pixels")
        assert isinstance(app.screen, SessionScreen)


async def test_elements_that_stay_are_shown_and_passed_over() -> None:
    app = console(facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">", "tab", "tab")
        await shown(pilot, "AccessionNumber")
        await pilot.press("=")
        await shown(pilot, "= 0008,0060", "Modality", "same (= hides)")
        rows = table(app, "done")
        places = []
        for _ in range(3):
            await pilot.press("n")
            places.append(rows.cursor_key)
        assert [key is not None and "|" in key for key in places] == [True] * 3
        assert len(set(places)) == 3
        await pilot.press("N")
        assert rows.cursor_key == places[1]
        await pilot.press("=")
        await until(pilot, lambda: rows.total == len(changed(done())) + 1)


async def test_originals_are_revealed_for_a_while_and_that_is_written_down() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">")
        await shown(pilot, "‹PN 10› → SUB-0001", "originals by kind and length only")
        assert "DOE^JANE" not in painted(app)
        await pilot.press("number_sign")
        await shown(pilot, "Show what is masked")
        await pilot.press(*"audit", "enter", "enter")
        await shown(pilot, "DOE^JANE^M → SUB-0001")
        assert any(event.action == "revealed" for event in known.audit)


async def test_a_script_that_fails_is_told_where_its_changes_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(
        self: Prearchive, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> object:
        raise InvalidInput("project NEURO3, line 6: no date", hint="correct the script")

    monkeypatch.setattr(Prearchive, "to_come", fails)
    app = console(facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">", ">")
        await shown(pilot, "project NEURO3, line 6: no date; correct the script")


async def test_a_session_without_a_project_says_that_nothing_is_to_come() -> None:
    app = console(facts(project=None), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">", ">")
        await shown(pilot, "no script is to come")


async def test_the_odd_ones_out_are_named_and_what_is_known_is_shown_meanwhile() -> None:
    known = facts()
    whole = replace(done(2_000), failures=(FoldedFailure(said="it has gone", files=2, odd=("x",)),))
    known.done_in_parts[ID] = [replace(whole, read=12, failures=()), replace(whole, rows=())]
    known.done[ID] = whole
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">", "tab", "tab")
        await until(pilot, lambda: not known.done_in_parts[ID])
        await pilot.press("ctrl+r")
        await shown(pilot, f"in 2 of {MANY}: it has gone", f"{MANY} files", "all alike")
        await pilot.press(">")
        await shown(pilot, "in 1 of 10: t2 tse Dr Moll", "untouched", "≠", "1 unlike the others")
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await shown(pilot, "Unlike", "SCANS/4/DICOM/1.2.3.7.dcm")


async def test_while_files_are_read_it_says_how_many() -> None:
    known = facts()
    known.done[ID] = replace(done(2_000), read=12)
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter", ">")
        await shown(pilot, f"12 of {MANY} files read: 3 changed", f"12 of {MANY} files")
        known.done[ID] = done(2_000)
        await shown(pilot, f" {MANY} files")
