# SPDX-License-Identifier: Apache-2.0
"""What the console remembers between runs: sort orders, open panes, theme, saved views. Never a
search and never a row, as either may name a patient."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import structlog
from platformdirs import user_state_path

from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter

log = structlog.get_logger(__name__)

NAMELESS = frozenset(
    {"age", "added", "by", "date", "files", "from", "images", "project", "receiver", "size"}
    | {"action", "scanner", "since", "status", "type", "until", "who"}
    | {"assigned", "late", "mine", "noted", "overdue", "reviewed"}
)
"""Fields whose values name no patient: a saved view may have conditions on these only."""


class ListState(msgspec.Struct, kw_only=True):
    """How one list was left."""

    sort: str = ""
    descending: bool = False
    card: bool | None = None
    """Whether the card was open; None where nobody has said."""
    view: str = ""


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A filter and an order with a name."""

    name: str
    filter: str
    sort: str = ""
    descending: bool = False


Views = list[SavedView]
"""Named here: within `ViewState`, `list` is its method, also to who reads its annotations."""


class ViewState(msgspec.Struct, kw_only=True):
    """All that is remembered."""

    theme: str = ""
    mode: str = ""
    lists: dict[str, ListState] = {}
    views: dict[str, Views] = {}

    def list(self, name: str) -> ListState:
        """Return how a list was left."""
        return self.lists.setdefault(name, ListState())

    def save_view(self, name: str, view: SavedView) -> None:
        """Remember a view of a list, in place of one with its name.

        Raises:
            InvalidInput: its filter may name a patient, or it has no name.
        """
        if not view.name:
            raise InvalidInput("a view needs a name")
        parsed = parse_filter(view.filter)
        named = sorted({each.field for each in parsed.conditions} - NAMELESS)
        if parsed.words or named:
            what = f"conditions on {', '.join(named)}" if named else "free words"
            raise InvalidInput(
                f"a saved view has no {what}: they may name a patient",
                hint=f"use {', '.join(sorted(NAMELESS))}",
            )
        others = [one for one in self.views.get(name, []) if one.name != view.name]
        self.views[name] = [*others, view]

    def drop_view(self, name: str, view: str) -> None:
        """Forget a view."""
        self.views[name] = [one for one in self.views.get(name, []) if one.name != view]


class StateFile:
    """The file, read once and written when something changed."""

    def __init__(self, path: Path | None) -> None:
        """Use the file at `path`; None remembers nothing."""
        self._path = path
        self.state = self._read()

    @property
    def folder(self) -> Path | None:
        """Where the file is; None where nothing is remembered."""
        return None if self._path is None else self._path.parent

    def save(self) -> None:
        """Write what is remembered; a folder that cannot be written costs the memory only."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(self.state)))
            draft.replace(self._path)
        except OSError as error:
            log.warning("not remembered", action="state", error=type(error).__name__)

    def _read(self) -> ViewState:
        if self._path is None:
            return ViewState()
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ViewState)
        except FileNotFoundError:
            return ViewState()
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("nothing remembered", action="state", error=type(error).__name__)
            return ViewState()


def state_file() -> Path:
    """Return the place of the file."""
    return user_state_path("anteroom") / "console.json"
