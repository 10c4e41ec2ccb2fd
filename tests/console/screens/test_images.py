# SPDX-License-Identifier: Apache-2.0
"""The images of a session: by keys alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.screens.images import ImagesScreen
from console.screens.script import ScriptScreen
from console.views import pictures
from console.widgets.picture import PictureView
from engine.model.archive import SessionStatus
from engine.model.pictures import Device, PictureRequest, Region, Window
from engine.service.offline import check_script
from tests.console.piloting import SMALL, WIDE, console, keys, painted, shown, until
from tests.console.screens.shelves import archive
from tests.memory import Facts, session
from tests.memory.configuration import project
from tests.memory.facts import card
from tests.memory.pictures import FIGURES

ID = "pre_aaaaaaa1"


def facts(**values: Any) -> Facts:
    made = Facts()
    made.keep(session(1, **values))
    return made


def asked(known: Facts) -> PictureRequest:
    return known.pictured[-1][1]


async def looked(pilot: Any) -> ImagesScreen:
    """Open the images of the first session."""
    await until(pilot, lambda: bool(keys(pilot.app, "sessions")))
    await pilot.press("enter")
    await shown(pilot, "t1_mprage_sag")
    await pilot.press("V")
    await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ImagesScreen)
    return screen


async def test_slices_frames_and_scans_are_stepped_through() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await looked(pilot)
        await shown(pilot, "▀▀▀", "scan 4 · 25/48", "256×256  W 890 L 410", "may contain text")
        assert asked(known).number is None and asked(known).across == 80
        await pilot.press("l")
        await shown(pilot, "26/48")
        await pilot.press("left", "h")
        await shown(pilot, "24/48")
        await pilot.press("j")
        await shown(pilot, "scan 5 · 25/48")
        await pilot.press("j")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "this is the last scan"
        known.picture = {"figures": replace(FIGURES, frames=90, burned_in="NO")}
        await pilot.press("k")
        await shown(pilot, "scan 4", "frame 1/90")
        assert "may contain text" not in painted(app)
        await pilot.press("l")
        await shown(pilot, "frame 2/90")
        assert (asked(known).number, asked(known).frame) == (24, 1)
        await pilot.press("h", "h")
        await until(pilot, lambda: asked(known).number == 23)


async def test_the_window_is_moved_and_given_back() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await looked(pilot)
        await shown(pilot, "W 890 L 410")
        await pilot.press("w", "l")
        await shown(pilot, "W 890 L 499", "window: h l centre")
        await pilot.press("L")
        await shown(pilot, "W 1068 L 499")
        assert asked(known).window == Window(centre=499.0, width=1068.0)
        await pilot.press("w")
        await shown(pilot, "W 890 L 410")
        assert asked(known).window is None


async def test_a_rectangle_gives_the_lines_that_blank_it_and_can_be_zoomed_into() -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        screen = await looked(pilot)
        await shown(pilot, "25/48")
        await pilot.press("b", "l", "j", "J", "H")
        await shown(pilot, "box 8,8 56×72")
        frame = {
            segment.style.color.triplet
            for y in range(36)
            for segment in screen.query_one(PictureView).render_line(y)
            if segment.style and segment.style.color
        }
        assert (255, 170, 0) in frame
        copied = {one.title: one.text for one in screen.copies()}
        assert copied["script"].splitlines() == [
            'if ((0008,0016) = "1.2.840.10008.5.1.4.1.1.4") {',
            '  if ((0008,0070) = "SIEMENS") {',
            '    if ((0008,1090) = "Prisma") {',
            '      if ((0028,0010) = "256") {',
            '        if ((0028,0011) = "256") {',
            '          alterPixels["rectangle", "l=8, t=8, r=64, b=80", "solid", "v=0"]',
            "        }",
            "      }",
            "    }",
            "  }",
            "}",
        ]
        assert copied["command"].startswith(f"anteroom prearchive picture {ID} --scan 4")
        await pilot.press("z")
        await until(pilot, lambda: asked(known).region is not None)
        assert asked(known).region == Region(left=8, top=8, right=64, bottom=80)
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: asked(known).region is None)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ImagesScreen))


async def test_why_there_is_no_picture_is_said() -> None:
    known = facts()
    known.picture = {"why": "the object has no pixels", "pixels": b""}
    app = console(known, "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await looked(pilot)
        await shown(pilot, "the object has no pixels")
        assert "▀" not in painted(app)
        await pilot.press("b")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "there is no picture" in app.context.notices.all[0].text


async def test_of_what_is_unassigned_nothing_is_shown_until_it_is_revealed() -> None:
    known = facts(project=None, label="DOE_Jane", subject="P4711", folder="DOE_Jane")
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter")
        await shown(pilot, "Scans")
        await pilot.press("V")
        await shown(pilot, "# shows them")
        assert known.pictured == [] and "▀" not in painted(app)
        await pilot.press("number_sign")
        await shown(pilot, "Show what is masked")
        await pilot.press(*"audit", "enter", "enter")
        await shown(pilot, "▀▀▀", "25/48")


async def test_a_filed_session_shows_its_images() -> None:
    known = archive(3)
    app = console(known, mode="archive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("enter")
        await until(pilot, lambda: bool(keys(app, "scans")))
        await pilot.press("V")
        await shown(pilot, "▀▀▀", "25/48", "Archive ▸ Images")
    assert known.pictured[0][0].startswith("XNAT")


async def test_a_session_in_quarantine_shows_its_images_from_the_list() -> None:
    known = Facts()
    held = replace(card(session(1)), status=SessionStatus.QUARANTINE, withheld=True)
    known.filed[held.accession] = held
    app = console(known, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "states")))
        await pilot.press("V")
        await shown(pilot, "▀▀▀", "25/48", "Archive ▸ Images")
    assert known.pictured[0][0] == held.accession


async def test_the_lines_go_into_the_draft_of_the_script() -> None:
    known = facts()
    known.projects["NEURO3"] = project("NEURO3")
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        screen = await looked(pilot)
        await shown(pilot, "▀▀▀")
        assert "no rectangle is drawn" in screen.why_off("script")
        await pilot.press("b", "o")
        await until(pilot, lambda: isinstance(app.screen, ScriptScreen))
        await shown(pilot, "Scripts ▸ NEURO3", 'alterPixels["rectangle"')


@pytest.mark.parametrize(
    "device",
    [FIGURES.device, replace(FIGURES.device, manufacturer='A "B" \\ C', model="GE LOGIQ E9")],
)
def test_the_lines_are_sound(device: Device) -> None:
    box = Region(left=0, top=0, right=64, bottom=16)
    for samples in (1, 3):
        lines = pictures.blanking(replace(FIGURES, device=device, samples=samples), box)
        assert [str(one) for one in check_script(f'version "6.3"\n{lines}\n')] == []
