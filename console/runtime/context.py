# SPDX-License-Identifier: Apache-2.0
"""What all screens of one console share: the engine and what is known of its state, notices, acts,
exports, and how lists were left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex

from console.actions.undoable import Undoable
from console.runtime.drafts import ScriptDrafts
from console.runtime.memory import StateFile
from console.runtime.notices import Notices
from console.runtime.preferences import Preferences
from console.transfer.outgoing import Outgoing
from console.views.masking import Masks
from console.views.rules import Draft
from console.views.status import StatusView
from engine.model.people import WhoAmI
from engine.service.api import EngineApi


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class ConsoleContext:
    """One for each console."""

    engine: EngineApi
    watching: bool = False
    """Nothing can be done, and labels are masked."""
    client: str = field(default_factory=lambda: token_hex(8))
    """By which the engine knows this console from others of the same person."""
    started: int | None = None
    """The process of the engine that this console started."""
    preferences: Preferences = field(default_factory=Preferences)
    memory: StateFile = field(default_factory=lambda: StateFile(None))
    clock: Callable[[], datetime] = _now
    me: WhoAmI | None = None
    """Who is asking, and what they may do; None until the engine has said it."""
    status_view: StatusView = field(default_factory=StatusView)
    notices: Notices = field(default_factory=Notices)
    done: list[Undoable] = field(default_factory=list)
    """The acts of this console, the last at the end: what `u` takes back."""
    outgoing: Outgoing = field(default_factory=Outgoing)
    drafts: dict[str, Draft] = field(default_factory=dict)
    """Texts of rules that were edited and not saved, by the key of their place."""
    script_drafts: ScriptDrafts = field(init=False)
    """Scripts that were edited and not saved: they outlive the console."""
    news: int = 0
    """How often screens were told of news. Only those of the mode on show hear of it: one that has
    heard less often looks again when it comes on show."""
    revealed_until: datetime | None = None
    """Until when masked labels are shown."""
    reason_given: datetime | None = None
    """When a reason for revealing labels was given last."""

    def __post_init__(self) -> None:
        """Find what an earlier console has left."""
        self.script_drafts = ScriptDrafts(self.memory.folder)

    @property
    def owner(self) -> bool:
        """Whether the engine that answers is the one that this console started."""
        status = self.status_view.status
        return self.started is not None and (status is None or status.pid == self.started)

    @property
    def reveals(self) -> bool:
        """Whether labels that are masked otherwise are shown now."""
        return self.revealed_until is not None and self.clock() < self.revealed_until

    @property
    def masks(self) -> Masks:
        """What is masked now."""
        return Masks(watching=self.watching, revealed=self.reveals)
