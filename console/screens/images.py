# SPDX-License-Identifier: Apache-2.0
"""The images of a session: scan by scan and slice by slice, with a window, a part of the image, and
a rectangle for which the lines of a script are told that would blank it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from textual import events, on, work
from textual.app import ComposeResult

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.views import pictures
from console.widgets.chrome import Line
from console.widgets.picture import PictureView
from engine.model.pictures import Picture, PictureRequest, Region, Window
from engine.model.prearchive import PrearchiveSession
from engine.model.scripts import SITE, project_scope

MASKED = "pictures may show who it is: # shows them for a minute"
_BOX, _STEP = 4, 32
"""A new rectangle is a fourth of the image; it moves by the 32nd part of what is shown."""


class _Hand(Enum):
    """What the keys for moving move."""

    SLICES = auto()
    WINDOW = auto()
    BOX = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewed:
    """The session whose images are looked at."""

    id: str
    scans: tuple[str, ...]
    scan: str = ""
    waiting: PrearchiveSession | None = None
    """None for a filed one."""


class ImagesScreen(BaseScreen):
    """One picture at a time."""

    NAME = "images"
    CSS_PATH = sheets("images.tcss")
    BINDINGS = bindings("images")

    def __init__(self, context: ConsoleContext, viewed: Viewed) -> None:
        """Look at a session."""
        super().__init__(context)
        self._viewed = viewed
        first = viewed.scans[0] if viewed.scans else ""
        self._asked = PictureRequest(scan=viewed.scan or first)
        self._picture: Picture | None = None
        self._box: Region | None = None
        self._hand = _Hand.SLICES

    def content(self) -> ComposeResult:
        """Lay out the picture, and what is said of it."""
        yield Line(id="warning")
        yield PictureView(id="picture")

    def on_mount(self) -> None:
        """Say what it is; the first picture is asked for at the size that there is."""
        self._draw()

    def crumb(self) -> str:
        """Say where it is."""
        mode = "Prearchive" if self._viewed.waiting else "Archive"
        return f"{mode} ▸ Images"

    def look(self) -> None:
        """Ask for the picture."""
        self._fetch()

    def masks_changed(self) -> None:
        """Take pictures away, or show them again."""
        if self._hidden:
            self._picture = None
            self._draw()
        else:
            self._fetch()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "object" and len(self._viewed.scans) < 2:
            return "there is one scan only"
        if action in ("window", "box", "zoom_in") and not self._shows:
            return "there is no picture"
        if action == "window" and self._picture is not None and self._picture.window is None:
            return "colours have no window"
        if action == "script":
            return self._why_no_script()
        if action in ("grow_aside", "grow_along") and self._hand is _Hand.SLICES:
            return "w moves the window, b a rectangle"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the lines that would blank the rectangle, and the command."""
        asked, viewed = self._asked, self._viewed
        noun = "prearchive" if viewed.waiting else "archive"
        command = f"anteroom {noun} picture {viewed.id}"
        command += f" --scan {asked.scan}" if asked.scan else ""
        if self._picture is not None:
            command += f" --slice {self._picture.number + 1} --frame {self._picture.frame + 1}"
        found = [Copyable(title="command", text=command)]
        if lines := self._lines:
            found.insert(0, Copyable(title="script", text=lines))
        return found

    def leave_part(self) -> bool:
        """Leave the window, the rectangle, and what is zoomed into."""
        if super().leave_part():
            return True
        if self._hand is not _Hand.SLICES:
            self._take(_Hand.SLICES)
            return True
        if self._box is not None:
            self._box = None
            self._draw()
            return True
        if self._asked.region is not None:
            self._ask(region=None)
            return True
        return False

    def do_aside(self, step: int) -> None:
        """Go to another slice, or move what the hand has."""
        if self._hand is _Hand.BOX:
            self._move(step, 0)
        elif self._hand is _Hand.WINDOW:
            self._turn(step, 0)
        else:
            self._slice(step)

    def do_along(self, step: int) -> None:
        """Go to another scan, or move the rectangle."""
        if self._hand is _Hand.BOX:
            self._move(0, step)
        elif self._hand is _Hand.SLICES:
            self.do_object(step)

    def do_grow_aside(self, step: int) -> None:
        """Change the width of what the hand has."""
        if self._hand is _Hand.BOX:
            self._grow(step, 0)
        elif self._hand is _Hand.WINDOW:
            self._turn(0, step)

    def do_grow_along(self, step: int) -> None:
        """Change the height of the rectangle."""
        if self._hand is _Hand.BOX:
            self._grow(0, step)

    def do_object(self, step: int) -> None:
        """Show another scan."""
        scans = self._viewed.scans
        here = scans.index(self._asked.scan) if self._asked.scan in scans else 0
        if not 0 <= here + step < len(scans):
            self.tell("this is the last scan" if step > 0 else "this is the first scan")
            return
        self._hand, self._box = _Hand.SLICES, None
        self._ask(scan=scans[here + step], number=None, frame=None, window=None, region=None)

    def do_window(self) -> None:
        """Take the window, or give it back."""
        if self._hand is _Hand.WINDOW:
            self._take(_Hand.SLICES)
            self._ask(window=None)
        else:
            self._take(_Hand.WINDOW)

    def do_box(self) -> None:
        """Take the rectangle, or leave it where it is."""
        if self._hand is _Hand.BOX:
            self._take(_Hand.SLICES)
            return
        shown = self._picture.region if self._picture else None
        if self._box is None and shown is not None:
            wide, high = shown.right - shown.left, shown.bottom - shown.top
            self._box = Region(
                left=shown.left,
                top=shown.top,
                right=shown.left + max(1, wide // _BOX),
                bottom=shown.top + max(1, high // _BOX),
            )
        self._take(_Hand.BOX)

    def do_zoom_in(self) -> None:
        """Show the rectangle alone, or the middle; or all again."""
        shown = self._picture.region if self._picture else None
        if self._asked.region is not None or shown is None:
            self._ask(region=None)
            return
        wide, high = shown.right // 4, shown.bottom // 4
        middle = Region(left=wide, top=high, right=shown.right - wide, bottom=shown.bottom - high)
        self._ask(region=self._box or middle)

    @work(exclusive=True, group="script", exit_on_error=False)
    async def do_script(self) -> None:
        """Put the lines that blank the rectangle into the draft of the script that runs next."""
        waiting = self._viewed.waiting
        if (lines := self._lines) and waiting is not None:
            scope = SITE if waiting.project is None else project_scope(waiting.project)
            await self.host.open_script(scope, proposed=lines)

    @on(events.Resize)
    def lay_out(self) -> None:
        """Ask for a picture that fits."""
        self.call_after_refresh(self._fetch)

    @property
    def _view(self) -> PictureView:
        return self.query_one(PictureView)

    @property
    def _lines(self) -> str:
        """The lines of a script that blank the rectangle; empty without one."""
        figures = self._picture.figures if self._picture else None
        if self._box is None or figures is None:
            return ""
        return pictures.blanking(figures, self._box)

    def _why_no_script(self) -> str:
        if not self._lines:
            return "no rectangle is drawn: b begins one"
        return "" if self._viewed.waiting is not None else "no script runs over what is filed"

    @property
    def _hidden(self) -> bool:
        waiting = self._viewed.waiting
        return waiting is not None and self.context.masks.hides(waiting)

    @property
    def _shows(self) -> bool:
        return self._picture is not None and not self._picture.why

    def _take(self, hand: _Hand) -> None:
        self._hand = hand
        self._draw()

    def _slice(self, step: int) -> None:
        """Go to another frame of a long file, else to another file."""
        now = self._picture
        if now is None:
            return
        frames = now.figures.frames if now.figures else 1
        if 0 <= now.frame + step < frames:
            self._ask(number=now.number, frame=now.frame + step)
        elif 0 <= now.number + step < now.objects:
            # Into the next file at its first frame, into the one before at its last.
            self._ask(number=now.number + step, frame=0 if step > 0 else 2**30)
        else:
            self.tell("this is the last slice" if step > 0 else "this is the first slice")

    def _turn(self, centre: int, width: int) -> None:
        now = self._picture.window if self._picture else None
        if now is not None:
            wider = now.width * 1.2**width
            self._ask(window=Window(centre=now.centre + centre * now.width / 10, width=wider))

    def _stride(self) -> tuple[int, int]:
        shown = self._picture.region if self._picture else None
        if shown is None:
            return 1, 1
        return (
            max(1, (shown.right - shown.left) // _STEP),
            max(1, (shown.bottom - shown.top) // _STEP),
        )

    def _move(self, aside: int, along: int) -> None:
        box, (wide, high) = self._box, self._stride()
        figures = self._picture.figures if self._picture else None
        if box is None or figures is None:
            return
        x = min(max(aside * wide, -box.left), figures.columns - box.right)
        y = min(max(along * high, -box.top), figures.rows - box.bottom)
        self._box = Region(
            left=box.left + x, top=box.top + y, right=box.right + x, bottom=box.bottom + y
        )
        self._draw()

    def _grow(self, aside: int, along: int) -> None:
        box, (wide, high) = self._box, self._stride()
        figures = self._picture.figures if self._picture else None
        if box is None or figures is None:
            return
        self._box = replace(
            box,
            right=min(max(box.right + aside * wide, box.left + 1), figures.columns),
            bottom=min(max(box.bottom + along * high, box.top + 1), figures.rows),
        )
        self._draw()

    def _ask(self, **changes: object) -> None:
        self._asked = replace(self._asked, **changes)  # type: ignore[arg-type]
        self._fetch()

    @work(exclusive=True, group="picture", exit_on_error=False)
    async def _fetch(self) -> None:
        size = self._view.size
        if self._hidden or not size.width or not size.height:
            self._draw()
            return
        asked = replace(self._asked, across=size.width, down=2 * size.height)
        api = self.engine.pictures
        ask: Callable[[str, PictureRequest], Awaitable[Picture]]
        ask = api.waiting if self._viewed.waiting else api.filed
        found = await self.asked(ask(self._viewed.id, asked))
        if found is None or self._hidden:
            return
        self._picture = found
        self._draw()
        self.keys_changed()

    def _draw(self) -> None:
        now = self._picture
        words = MASKED if self._hidden else "asking the engine …"
        boxes = (self._box,) if self._box else ()
        self._view.show(now, words=words, boxes=boxes)
        warning = self.query_one("#warning", Line)
        warning.display = now is not None and not now.why and now.may_contain_text
        warning.say([(f" ! {pictures.MAY_CONTAIN_TEXT}", "look")])
        scan = f"scan {plain(self._asked.scan, 40)}" if self._asked.scan else "all scans"
        if now is None:
            self.say((scan, "muted"))
            return
        said = f"{scan} · {pictures.place(now)}  {pictures.figures(now)}"
        hand = ""
        if self._box is not None:
            box = self._box
            hand = f" · box {box.left},{box.top} {box.right - box.left}×{box.bottom - box.top}"
        if self._hand is _Hand.BOX:
            hand += ": h j k l H J K L draw it, o is for the script"
        elif self._hand is _Hand.WINDOW:
            hand += " · window: h l centre, H L width"
        self.say((said, "muted"), (hand, "accent"))
