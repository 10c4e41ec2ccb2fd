# SPDX-License-Identifier: Apache-2.0
"""Two sessions, scans or versions side by side: by keys alone."""

from __future__ import annotations

from typing import Any

from console.screens.base.overlays import TextScreen
from console.screens.compare import CompareScreen
from console.screens.filed import FiledScreen
from engine.model.comparison import ComparedRow, Part, Version
from tests.console.piloting import WIDE, console, keys, painted, shown, until
from tests.memory import Facts, session
from tests.memory.comparison import differences, element
from tests.memory.facts import card


def facts(**values: Any) -> Facts:
    made = Facts()
    made.keep(session(1, **values), session(2, **values))
    made.differences = differences()
    return made


async def compared(pilot: Any) -> None:
    """Ask the palette for it."""
    await pilot.press("colon", *"compare", "enter")


async def test_two_marked_sessions_are_set_side_by_side() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
        await pilot.press("asterisk")
        await compared(pilot)
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await shown(pilot, "MR_2  │  MR_1", "PatientName", "DOE^JANE", "SUB-0001", "203 the same")
        await shown(pilot, "left 17 files · right 17 files", "‹48 values›")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await shown(pilot, "(0008,0050) AccessionNumber", "it is not there")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
    assert known.compared == [("pre_aaaaaaa2", "pre_aaaaaaa1", Part(), Part())]


async def test_a_session_is_set_beside_itself_and_originals_stay_hidden() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
        await compared(pilot)
        await shown(pilot, "as received, and as it is now")
        await pilot.press("enter")
        await shown(pilot, "as received", "‹PN 8›", "SUB-0001")
        assert "DOE^JANE" not in painted(app)
        await pilot.press("number_sign")
        await shown(pilot, "Show what is masked")
        await pilot.press(*"audit", "enter", "enter")
        await shown(pilot, "DOE^JANE")
    (asked,) = known.compared
    assert asked[2:] == (Part(version=Version.RECEIVED), Part())


async def test_from_a_session_its_scans_are_compared() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
        await pilot.press("enter")
        await shown(pilot, "t1_mprage_sag", "PatientName")
        await pilot.press("j")
        await shown(pilot, "scan 1 of 2")
        await compared(pilot)
        await shown(pilot, "beside scan 4")
        await pilot.press("G", "k", "enter")
        await shown(pilot, "scan 4", "scan 5", "203 the same")
    assert known.compared[-1][2:] == (Part(scan="4"), Part(scan="5"))


async def test_another_session_is_named_and_one_that_is_filed_too() -> None:
    known = facts()
    filed = card(session(3))
    known.filed[filed.accession] = filed
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
        await compared(pilot)
        await shown(pilot, "another session")
        await pilot.press("G", "enter")
        await shown(pilot, "Compare with another session")
        await pilot.press(*"MR_99", "enter", "enter")
        await shown(pilot, "no such session")
        await pilot.press("ctrl+u", *"NEURO3/MR_3#4", "enter", "enter")
        await shown(pilot, "MR_2  │  MR_3, scan 4", "203 the same")
        assert known.compared[-1][1:] == (filed.accession, Part(), Part(scan="4"))
        await pilot.press("escape", "4")
        await shown(pilot, "MR_3")
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await shown(pilot, "t1_mprage_sag")
        await compared(pilot)
        await shown(pilot, "another session")
        await pilot.press("G", "enter")
        await pilot.press(*"MR_1", "enter", "enter")
        await shown(pilot, "MR_3", "│  MR_1", "203 the same")
    assert known.compared[-1][:2] == (filed.accession, "pre_aaaaaaa1")


async def test_what_cannot_be_compared_says_why() -> None:
    known = facts()
    known.keep(session(3))
    known.differences = ()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await pilot.press("asterisk", "colon", *"compare")
        await shown(pilot, "two sessions are compared")
        await pilot.press("escape", "backslash")
        await compared(pilot)
        await pilot.press("enter")
        await shown(pilot, "nothing differs")
        del known.sessions["pre_aaaaaaa3"]
        await pilot.press("ctrl+r")
        await shown(pilot, "there is no session pre_aaaaaaa3")


async def test_of_what_is_unassigned_nothing_is_told() -> None:
    known = facts(project=None, label="DOE_Jane", subject="P4711", folder="DOE_Jane")
    known.differences = (
        ComparedRow(
            left=element("(0010,0010)", "PatientName", "PN", "DOE^JANE", identifying=True),
            right=element("(0010,0010)", "PatientName", "PN", "ROE^RICK", identifying=True),
        ),
    )
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 2)
        await pilot.press("asterisk")
        await compared(pilot)
        await shown(pilot, "‹PN 8›", "▒▒▒▒▒▒  │  ▒▒▒▒▒▒")
        assert not {"DOE", "Jane", "ROE"} & set(painted(app).replace("^", " ").split())
