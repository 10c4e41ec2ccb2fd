# SPDX-License-Identifier: Apache-2.0
"""Who the patient is of a session that belongs nowhere: on no screen, by no key, until it is
revealed, which is recorded before anything is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.screen import BaseScreen
from console.screens.base.session_panes import PANES
from console.screens.live import LiveScreen
from console.screens.prearchive import PrearchiveScreen
from console.screens.session import SessionScreen
from console.views import glyphs
from console.widgets.dialogs import AskScreen
from engine.model.contents import (
    FileEntry,
    FoldedHeader,
    FoldedValue,
    HeaderRow,
    RowKind,
    SessionContents,
)
from engine.model.errors import Unavailable
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.model.states import Status
from tests.console.piloting import WIDE, Clock, console, keys, painted, settled, shown, table, until
from tests.memory import NOON, Facts, card, session, transfer
from tests.memory.changes import change, stays, told
from tests.memory.contents import timeline_of

ID = "pre_aaaaaaa1"
PLANTED = ("DOE", "Jane", "P4711", "19700101")
SAID = "found DOE JANE (P4711)"


def row(tag: str, vr: str, name: str, text: str, *, identifying: bool = False) -> HeaderRow:
    return HeaderRow(
        path=tag,
        tag=tag,
        kind=RowKind.ELEMENT,
        depth=0,
        vr=vr,
        name=name,
        values=(FoldedValue(text=text, files=10),),
        distinct=1,
        files=10,
        identifying=identifying,
    )


def planted() -> Facts:
    """Return an engine with a session of no project, whose patient is named wherever one can be."""
    hers = session(
        1,
        project=None,
        label="DOE_Jane",
        subject="P4711",
        folder="DOE_Jane",
        status=Status.CONFLICT,
        reason=SAID,
        lastmod=NOON,
    )
    facts = Facts()
    facts.keep(hers, session(2), session(3, project=None, label="ROE_Rick", subject="P0815"))
    scans = tuple(replace(one, series_description=SAID, type=SAID) for one in card(hers).scans)
    facts.contents[ID] = SessionContents(scans=scans, built=True, warnings=(SAID,))
    facts.timelines[ID] = timeline_of(facts, hers)
    facts.done[ID] = told(
        (
            change("(0010,0010)", "PatientName", "PN", "DOE^Jane", "DOE_Jane"),
            change("(0008,1030)", "StudyDescription", "LO", SAID, SAID),
            stays("(0010,0030)", "PatientBirthDate", "DA", "19700101"),
        ),
        17,
    )
    facts.files[ID] = (
        FileEntry(
            path="SCANS/4/DICOM/DOE^Jane-P4711-19700101.dcm",
            scan="4",
            resource="DICOM",
            size=1,
            uid="1.2.3",
        ),
    )
    facts.headers[ID, ""] = facts.headers[ID, "4"] = FoldedHeader(
        rows=(
            row("(0008,1030)", "LO", "StudyDescription", SAID),
            row("(0010,0010)", "PN", "PatientName", "DOE^Jane", identifying=True),
            row("(0010,0030)", "DA", "PatientBirthDate", "19700101", identifying=True),
            row("(0018,0050)", "DS", "SliceThickness", "1.5"),
        ),
        files=10,
        total=10,
    )
    facts.routes[ID] = Route(
        project=None,
        subject="P4711",
        session="DOE_Jane",
        auto_archive=None,
        trace=tuple(
            TraceStep(
                concept=concept,
                extractor="site rule 1",
                element="(0010,4000)",
                saw=f"Subject:P4711 {SAID}",
                found="P4711",
                verdict=Verdict.WON,
            )
            for concept in (Concept.PROJECT, Concept.SUBJECT, Concept.SESSION)
        ),
    )
    facts.transfers.append(transfer(1, series=SAID, last_object=NOON, sessions=(ID,)))
    facts.trashed["pre_trashed1"] = replace(hers, id="pre_trashed1")  # type: ignore[arg-type]
    return facts


async def looks_for_planted(pilot: Pilot[Any]) -> None:
    await settled(pilot)
    app: Any = pilot.app
    text = painted(app).lower()
    screen = app.screen
    if isinstance(screen, BaseScreen):
        text += f"{screen.copies()} {screen.exports()}".lower()
    assert not [part for part in PLANTED if part.lower() in text], text


async def test_a_patient_of_no_project_stands_nowhere_until_he_is_revealed() -> None:
    facts = planted()
    await facts.tell("session", ID, f"CONFLICT: {SAID}", "warning")
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, glyphs.MASK, "≠ conflict")
        for key in ("o", "y", "m", "x", "d", "colon"):
            await pilot.press(key)
            await looks_for_planted(pilot)
            await pilot.press("escape")
        await app.push_screen(SessionScreen(app.context, ID))
        await shown(pilot, "PatientName", "‹PN 8›", "1.5")
        for said in PANES.values():
            await shown(pilot, f"‹{said}›")
            await looks_for_planted(pilot)
            await pilot.press(">")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        await shown(pilot, glyphs.MASK)
        await looks_for_planted(pilot)
        table(app, "arriving").go_to_key(ID)
        await pilot.press("o")
        await shown(pilot, "site rule 1")
        await looks_for_planted(pilot)


async def test_names_of_files_are_masked_wherever_they_stand() -> None:
    app = console(planted(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await pilot.press("<")
        await shown(pilot, "‹Files›", "1.2.3.dcm")
        await looks_for_planted(pilot)
        offered = screen.exports()
        assert offered is not None and callable(offered.rows)
        assert await offered.rows(lambda done, of: None) == [("", "4", "DICOM", "1.2.3.dcm", "1 B")]
        await reveal(pilot, "which")
        await shown(pilot, "DOE^Jane-P4711")
        assert "file" in [one.title for one in screen.copies()]
        await pilot.press("tab", "tab", "enter")
        await shown(pilot, "DOE^Jane-P4711-19700101.dcm alone")
        app.context.revealed_until = None
        app.masks_changed()
        await shown(pilot, "1.2.3.dcm alone")
        await pilot.press("escape")
        await shown(pilot, "‹Files›", "1.2.3.dcm")
        await looks_for_planted(pilot)


@pytest.mark.parametrize("typed", ["doe", "session:d", "subject:P", "!session:d"])
async def test_letters_of_a_masked_label_cannot_be_guessed(typed: str) -> None:
    app = console(planted(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        names = {":": "colon", "!": "exclamation_mark"}
        await pilot.press("slash", *(names.get(letter, letter) for letter in typed), "enter")
        masked = {ID, "pre_aaaaaaa3"}
        # Both or neither, whatever was typed: they are alike.
        wanted = masked if typed.startswith("!") else set()
        await settled(pilot)
        assert set(keys(app, "sessions")) & masked == wanted
        await reveal(pilot, "which")
        if typed == "doe":
            await until(pilot, lambda: keys(app, "sessions") == [ID])


async def test_sorting_by_a_masked_label_tells_no_order() -> None:
    facts = planted()
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        screen = app.screen
        assert isinstance(screen, PrearchiveScreen)
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        screen._reorder("label", False)
        await until(pilot, lambda: keys(app, "sessions") == [ID, "pre_aaaaaaa3", "pre_aaaaaaa2"])
        mine = facts.sessions[ID]
        facts.keep(replace(mine, label="ZOE", folder="ZOE"))
        await facts.tell("session", ID, "relabelled")
        await settled(pilot)
        assert keys(app, "sessions") == [ID, "pre_aaaaaaa3", "pre_aaaaaaa2"]


async def test_searching_a_masked_header_finds_no_value() -> None:
    app = console(planted(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "‹PN 8›")
        await pilot.press("slash", *"doe", "enter")
        await shown(pilot, "nothing found")
        await reveal(pilot, "which")
        await shown(pilot, "of 2 found", "DOE^Jane")


async def opened(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: len(keys(app, "sessions")) == 3)
    await app.push_screen(SessionScreen(app.context, ID))


async def reveal(pilot: Pilot[Any], why: str) -> None:
    app: Any = pilot.app
    await pilot.press("number_sign")
    await until(pilot, lambda: isinstance(app.screen, AskScreen))
    await pilot.press(*why, "enter", "enter")
    await until(pilot, lambda: not isinstance(app.screen, AskScreen))


async def test_revealing_is_recorded_before_anything_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = planted()
    app = console(facts, "prearchive")
    seen: list[tuple[str, str, str, bool]] = []
    audit: Any = app.context.engine.audit
    noted = type(audit).note

    async def note(self: Any, action: str, object: str, reason: str = "", count: int = 0) -> None:
        await noted(self, action, object, reason, count)
        seen.append((action, object, reason, app.context.reveals))

    monkeypatch.setattr(type(audit), "note", note)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await reveal(pilot, "which")
        await shown(pilot, "DOE_Jane")
        assert seen == [("revealed", "prearchive", "which", False)]
        assert [(one.action, one.object) for one in facts.audit] == [("revealed", "prearchive")]
        # Once more within the hour: no reason is asked for, and it is recorded again.
        app.context.revealed_until = None
        app.masks_changed()
        await until(pilot, lambda: "DOE_Jane" not in painted(app))
        await pilot.press("number_sign")
        await shown(pilot, "DOE_Jane")
        assert len(seen) == 2


async def test_what_cannot_be_recorded_is_not_revealed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(planted(), "prearchive")

    async def note(*_args: Any, **_kwargs: Any) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(type(app.context.engine.audit), "note", note)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await reveal(pilot, "which")
        await shown(pilot, "the disk is full")
        assert not app.context.reveals
        assert "DOE" not in painted(app)


async def test_what_was_opened_while_labels_were_shown_goes_with_them() -> None:
    clock = Clock()
    app: ConsoleApp = console(planted(), "prearchive", clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await reveal(pilot, "which")
        await shown(pilot, "DOE^Jane")
        await pilot.press("tab", "tab")
        table(app, "header-rows").go_to_key("(0010,0010)")
        await pilot.press("enter")
        await shown(pilot, "esc closes", "DOE^Jane")
        app.context.revealed_until = None
        app.masks_changed()
        await shown(pilot, "the masks have changed")
        await looks_for_planted(pilot)
