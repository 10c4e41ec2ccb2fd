# SPDX-License-Identifier: Apache-2.0
"""The application: its modes, its theme, and what all screens share. It is given an `EngineApi` and
builds none. What it has to do with the terminal is in `console.terminal`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, ClassVar, TypeVar

import structlog
from rich.console import RenderableType
from textual import events
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from console.actions.undoable import Undoable
from console.keys.table import MODES
from console.plain import plain, plain_text
from console.runtime.context import ConsoleContext
from console.runtime.events import EngineEvents, EngineLost, pump
from console.runtime.notices import Notice, Severity
from console.runtime.preferences import Glyphs
from console.runtime.queue import ActQueue
from console.runtime.status import keep_asking
from console.runtime.typeahead import TYPED, TypeAhead, Typed
from console.screens.base.overlays import BlankScreen, TextScreen
from console.screens.base.palette import ConsoleCommands
from console.screens.base.quit import Leave, QuitScreen, UnsavedScreen
from console.screens.base.screen import AsksEngine, BaseScreen, ShowsLabels, StatusTaken
from console.terminal import TerminalApp
from console.theme import OFFERED, OURS, STOCK
from console.views import glyphs
from console.views.rules import unsaved
from console.widgets import scrollbars
from engine.model.errors import EngineError
from engine.model.live import EventBatch
from engine.service.api import EngineApi

T = TypeVar("T")
log = structlog.get_logger(__name__)

WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-medium"), (110, "-wide")]
HEIGHTS = [(0, "-flat"), (16, "-low"), (30, "-high")]
"""Style classes of screens by the size of the terminal, in cells."""

USED = (
    *(events.Key, events.Paste, events.MouseDown),
    *(events.MouseScrollDown, events.MouseScrollUp),
)
"""What tells that somebody uses the console."""

ITS_STATUS = "system.status"
"""What tells whether the engine lives: it answers that at once, whatever else it does."""


SCREENS = {
    "live": ("console.screens.live", "LiveScreen"),
    "prearchive": ("console.screens.prearchive", "PrearchiveScreen"),
    "quarantine": ("console.screens.quarantine", "QuarantineScreen"),
    "archive": ("console.screens.archive", "ArchiveScreen"),
    "scripts": ("console.screens.scripts", "ScriptsScreen"),
    "projects": ("console.screens.projects", "ProjectsScreen"),
    "ledger": ("console.screens.ledger", "LedgerScreen"),
    "audit": ("console.screens.audit", "AuditScreen"),
    "system": ("console.screens.system", "SystemScreen"),
}
"""The screen of each mode: its module and its class."""


class ConsoleApp(TerminalApp):
    """The console on one engine."""

    TITLE = "Anteroom"
    CSS_PATH = "console.tcss"
    DEFAULT_MODE = "live"
    """Not Textual's own empty screen: it would be repainted whole below the one on show."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ConsoleCommands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        *(Binding(number, f"mode('{name}')", show=False) for number, name, _ in MODES),
    ]

    def __init__(self, engine: EngineApi, **options: object) -> None:
        """Show `engine`; the options are those of `ConsoleContext`."""
        context = ConsoleContext(engine=engine, **options)  # type: ignore[arg-type]
        # Set before the app starts: after switching, another screen would be painted first.
        vars(self)["DEFAULT_MODE"] = self._first_mode(context)
        super().__init__(context)
        self.animation_level = "none"
        self._stir = asyncio.Event()
        self._used = self.context.clock()
        self._acts = ActQueue(self.context, self.tell, self._screen_failed)
        self.ahead = TypeAhead(
            self, self._give_on, self._keys_dropped, reaction=self.context.preferences.reaction
        )
        for name, place in SCREENS.items():
            self.add_mode(name, partial(self._screen, *place))
        for theme in OURS:
            self.register_theme(theme)
        self.theme = self._first_theme()
        ascii_only = self.context.preferences.glyphs is Glyphs.ASCII
        glyphs.use_ascii(ascii_only)
        scrollbars.use_ascii(ascii_only)
        self.set_class(ascii_only, "-ascii")

    @property
    def offered_themes(self) -> tuple[str, ...]:
        """The themes that can be chosen."""
        return tuple(name for name in OFFERED if name in self.available_themes)

    def on_mount(self) -> None:
        """Begin to listen."""
        self.run_worker(self._listen(), group="events", name="events")
        asking = keep_asking(self.context, self._stir, self._status_taken, self.lost)
        self.run_worker(asking, group="status", name="status")
        self.run_worker(self.ahead.follow(), group="typed", name="typed")

    def get_loading_widget(self) -> Widget:
        """Return what stands for a part that is still being filled: still, for far terminals."""
        return Static(plain("…"))

    def action_mode(self, name: str) -> None:
        """Go to a mode; what was open in it is open still."""
        if self.context.watching or isinstance(self.screen, QuitScreen):
            return
        self.switch_mode(name)
        self.context.memory.state.mode = name

    def action_leave(self) -> None:
        """End the console; ask about what is not saved, and about an engine that it started."""
        if isinstance(self.screen, (QuitScreen, UnsavedScreen)):
            return
        drafts, download = self.context.drafts, self.context.outgoing.download
        if drafts or download is not None:
            goes_on = f"{download.label}: {download.shown or 'begun'}" if download else ""
            self.push_screen(UnsavedScreen(unsaved(drafts.values()), goes_on), self._discarded)
        else:
            self._leave()

    def _discarded(self, sure: dict[str, str] | None) -> None:
        if sure is not None:
            self._leave()

    def _leave(self) -> None:
        if self.context.owner:
            self.push_screen(QuitScreen(lost=bool(self.context.status_view.lost)), self._left)
        else:
            self.exit(Leave.RUNNING)

    def wear(self, theme: str) -> None:
        """Put a theme on, and remember it."""
        self.theme = theme
        self.context.memory.state.theme = theme
        self.context.memory.save()

    def tell(self, text: str, severity: Severity = "information") -> None:
        """Say something that passes, and keep it."""
        shown = plain_text(text)
        self.context.notices.add(Notice(at=self.context.clock(), text=shown, severity=severity))
        self.notify(shown, severity=severity, timeout=4, markup=False)
        self.draw_lines()

    def copy(self, text: str, what: str) -> None:
        """Put a text into the clipboard of the person's terminal (OSC 52)."""
        # Tabs separate the cells of a row and are kept; all else is made plain.
        self.copy_to_clipboard("\t".join(map(plain_text, text.split("\t"))))
        tmux = "; in tmux: set -s set-clipboard on" if os.environ.get("TMUX") else ""
        self.tell(f"copied {what}{tmux}")

    def lost(self, error: EngineError) -> None:
        """Say, until it answers again, that the engine does not."""
        self.context.status_view.lose(plain_text(error.message), plain_text(error.hint))
        # The status is not asked for at once: nobody could read a message that goes again at once.
        self.draw_lines()

    def silent(self, asked: str, error: EngineError) -> None:
        """Say that the engine is connected and does not answer a verb, which is waited for."""
        if asked == ITS_STATUS:
            self.lost(error)
        elif not asked.startswith("events."):
            self.tell(f"{asked.replace('.', ' ')}: {error.message}", "warning")

    def broken(self, reference: str, sentence: str) -> None:
        """Say that something failed that should not; the log has it by its reference."""
        self.context.notices.add(
            Notice(at=self.context.clock(), text=f"{sentence} ({reference})", severity="error")
        )
        if isinstance(self.screen, TextScreen):
            # A repeated failure must not cover the text that is being read.
            return
        lines = (("what", sentence), ("reference", reference), ("log", "the console's own log"))
        self.push_screen(TextScreen("Something failed", lines, empty="", bad=True))

    def masks_changed(self) -> None:
        """Draw again what may show labels that are masked at other times."""
        for screen in self._all_screens():
            if isinstance(screen, ShowsLabels):
                screen.masks_changed()

    async def act(self, act: Undoable) -> tuple[str, ...]:
        """Do an act once those before it are done; return the ids of its sessions."""
        with self.ahead.acting():
            return await self._acts.do(act)

    async def carry_out(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do what is no act on sessions in its turn; raise what the engine objects."""
        with self.ahead.acting():
            return await self._acts.carry_out(act)

    async def undo(self) -> None:
        """Take back the last act that was done here."""
        with self.ahead.acting():
            await self._acts.undo()

    async def open_session(self, id: str) -> None:
        """Go to the prearchive and open a session there, in the place of one that is open."""
        from console.screens.session import SessionScreen  # noqa: PLC0415 (loaded when shown)

        self.action_mode("prearchive")
        if isinstance(self.screen, SessionScreen):
            self.screen.show(id)
        else:
            await self.push_screen(SessionScreen(self.context, id))

    async def open_script(
        self, scope: str, *, version: int = 0, line: int = 0, proposed: str = ""
    ) -> None:
        """Go to the scripts and open the one of a scope in the editor, at a line; `proposed` is put
        before that line into the draft. A version that is not the active one is shown over the
        screen, to be read."""
        from console.screens.script import ScriptScreen  # noqa: PLC0415 (loaded when shown)
        from console.screens.script_versions import ScriptVersionScreen  # noqa: PLC0415 (as above)

        try:
            read = await self.context.engine.scripts.show(scope, version)
        except EngineError as error:
            self._screen_failed(error)
            return
        if read.version and not read.active and not proposed:
            await self.push_screen(ScriptVersionScreen(self.context, read, line=line))
            return
        back = "" if self.current_mode == "scripts" else self.current_mode
        self.action_mode("scripts")
        while isinstance(self.screen, (ScriptScreen, ScriptVersionScreen)):
            await self.pop_screen()
        opened = ScriptScreen(self.context, scope, line=line, proposed=proposed, back=back)
        await self.push_screen(opened)

    def open_acceptances(self, over: str, sender: str = "") -> None:
        """Show the acceptances of senders over the screen of a mode."""
        from console.screens.acceptances import AcceptancesScreen  # noqa: PLC0415 (as above)

        self.push_screen(AcceptancesScreen(self.context, over, sender))

    def open_people(self, project: str = "") -> None:
        """Show everybody over System, or the members of a project over Projects."""
        from console.screens.people import PeopleScreen  # noqa: PLC0415 (as above)

        self.push_screen(PeopleScreen(self.context, project))

    async def open_audit(self, typed: str) -> None:
        """Go to the audit trail, narrowed to what a filter finds."""
        from console.screens.audit import AuditScreen  # noqa: PLC0415 (as above)

        await self.switch_mode("audit")
        self.context.memory.state.mode = "audit"
        if isinstance(self.screen, AuditScreen):
            self.screen.narrow(typed)

    async def on_event(self, event: events.Event) -> None:
        """Note that the console is being used, or resized; what is typed has its turn."""
        if isinstance(event, USED):
            self._used = self.context.clock()
        if isinstance(event, events.Resize):
            for screen in self._all_screens():
                if isinstance(screen, BaseScreen):
                    screen.hold_focus()
        if not isinstance(event, TYPED) or event.is_forwarded:
            await super().on_event(event)
        elif self.ahead.admits(event):
            await self._give_on(event)

    async def _give_on(self, event: Typed) -> None:
        if isinstance(self.screen, BaseScreen):
            self.screen.let_focus_go()
        await super().on_event(event)

    async def push_screen_wait(self, screen: Any, *, mode: str | None = None) -> Any:
        """Show a screen, and return what the person answers; only in a worker that asks."""
        worker = get_current_worker()
        self.ahead.asks(worker, screen)
        if isinstance(screen, AsksEngine):
            screen.engine_lost(self.context.status_view.lost)
        try:
            return await super().push_screen_wait(screen, mode=mode)
        finally:
            self.ahead.answered(worker)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send to the terminal what a screen shows.

        Overrides a private method of Textual; a test holds it to that.
        """
        super()._display(screen, renderable)
        if renderable is not None and not self._batch_count:
            self.ahead.painted(screen)

    def _keys_dropped(self, why: str) -> None:
        self.tell(why, "warning")

    async def _listen(self) -> None:
        await pump(self.context.engine, self._tell_screens)

    def _tell_screens(self, message: EngineEvents | EngineLost) -> None:
        self._stir.set()
        if isinstance(message, EngineLost):
            self.lost(message.error)
            return
        self.context.news += 1
        # Screens below a question too: they must not be stale when it is answered.
        for screen in self.screen_stack:
            screen.post_message(replace(message))

    def _status_taken(self, back: bool) -> None:
        """Draw what is known of the engine; `back` if it has answered again."""
        if back:
            # Questions asked meanwhile had no answer, and no event will prompt them again.
            again = EventBatch(epoch="", events=(), last=0, gap=True)
            self._tell_screens(EngineEvents(again))
        self.draw_lines()
        for screen in self.screen_stack:
            screen.post_message(StatusTaken())
        self._rest_if_unused()

    def _rest_if_unused(self) -> None:
        limit = self.context.preferences.blank_after
        unused = (self.context.clock() - self._used).total_seconds() > limit > 0
        if unused and not self.context.watching and not isinstance(self.screen, BlankScreen):
            self.push_screen(BlankScreen())

    def _all_screens(self) -> Iterator[Screen[Any]]:
        """Yield the screens of all modes, those that are not on show as well."""
        for mode in (name for _, name, _ in MODES):
            with contextlib.suppress(KeyError):  # a mode that was not gone to yet
                yield from self.get_screen_stack(mode)

    def draw_lines(self) -> None:
        """Draw the lines of every screen again, whatever has changed of what they say."""
        for screen in self.screen_stack:
            # By the screen itself: it may be about to go.
            if isinstance(screen, BaseScreen):
                screen.call_later(screen.draw_lines)
            elif isinstance(screen, AsksEngine):
                screen.call_later(screen.engine_lost, self.context.status_view.lost)

    def _screen_failed(self, error: EngineError) -> None:
        for screen in reversed(self.screen_stack):
            if isinstance(screen, BaseScreen):
                screen.failed(error)
                return

    def _first_mode(self, context: ConsoleContext) -> str:
        left = context.memory.state.mode
        return left if left in SCREENS and not context.watching else self.DEFAULT_MODE

    def _screen(self, module: str, kind: str) -> Screen[object]:
        """Make the screen of a mode, which is loaded when it is first shown."""
        made: Screen[object] = getattr(import_module(module), kind)(self.context)
        return made

    def _first_theme(self) -> str:
        for name in (self.context.preferences.theme, self.context.memory.state.theme):
            if name in self.available_themes:
                return name
        return STOCK

    def _left(self, how: Leave | None) -> None:
        if how is not None:
            self.exit(how)
