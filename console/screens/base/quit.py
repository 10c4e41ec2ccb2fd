# SPDX-License-Identifier: Apache-2.0
"""The questions on leaving: whether unsaved edits or a download may be lost, and whether the engine
that this console started is to go on without it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from console.plain import plain
from console.views.question import Question
from console.widgets.dialogs import AskScreen


class Leave(StrEnum):
    """How a console is left."""

    RUNNING = "running"
    """The engine goes on."""
    STOPPED = "stopped"
    """The engine is told to stop."""


class QuitScreen(ModalScreen[Leave | None]):
    """Asks; None means to stay."""

    CSS_PATH = "quit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,enter", "leave('running')", show=False),
        Binding("s", "leave('stopped')", show=False),
        Binding("escape,q", "stay", show=False),
    ]

    def __init__(self, *, lost: bool = False) -> None:
        """Ask; `lost` when the engine does not answer now."""
        super().__init__()
        self._lost = lost

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(id="question"):
            yield Static(plain(self._says), id="says")
            yield Static(plain(""))
            yield Static(plain("l, enter  leave it running; it goes on receiving"))
            yield Static(plain("s         stop it; nothing is received until it is started again"))
            yield Static(plain("esc       stay"))

    @property
    def _says(self) -> str:
        silent = "  It does not answer now." if self._lost else ""
        return f"This console started the engine.{silent}"

    def engine_lost(self, why: str) -> None:
        """Say whether the engine answers."""
        self._lost = bool(why)
        if self.is_mounted:
            self.query_one("#says", Static).update(plain(self._says))

    def action_leave(self, how: str) -> None:
        """Leave the console."""
        self.dismiss(Leave(how))

    def action_stay(self) -> None:
        """Go back."""
        self.dismiss(None)


class UnsavedScreen(AskScreen):
    """Asks whether what is not finished may be lost; None means to stay."""

    CSS_PATH = "../../widgets/dialogs.tcss"

    def __init__(self, texts: tuple[str, ...], download: str = "") -> None:
        """Name what would be lost: texts that are not saved, a download that goes on."""
        title, act, says = "Leave, and end a download?", "End it and leave", []
        if texts:
            title, act = "Leave, and lose what is not saved?", "Discard and leave"
            says.append("6 Projects has them still: ctrl+s saves one with a reason.")
        if download:
            says.append("Files that are there are whole; begun anew, a download brings the others.")
        super().__init__(
            Question(
                title=title,
                act=act,
                keep="Stay",
                rows=(*texts, *((download,) if download else ())),
                says=tuple(says),
                danger=True,
                local=True,
            )
        )
