# SPDX-License-Identifier: Apache-2.0
"""What is being written to the user's files in the background: the progress of a download or of
fetching rows, and where files went last. It knows no screen and writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from console.views import figures, glyphs

TELL_EVERY = 0.5
"""Seconds between two pictures of how far something is."""


def progress(done: int, of: int, cells: int = 8) -> str:
    """Say how far something is."""
    part = done / of if of else 1.0
    return f"{glyphs.meter(part, cells)} {figures.grouped(done)}/{figures.grouped(of)}"


class Pacing:
    """Lets something be shown at most twice a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Let the first picture through."""
        self._clock = clock
        self._last = float("-inf")

    def due(self) -> bool:
        """Whether the next picture may be shown now; then the time begins anew."""
        now = self._clock()
        if now - self._last < TELL_EVERY:
            return False
        self._last = now
        return True


@dataclass(kw_only=True)
class Running:
    """A download that goes on."""

    label: str
    shown: str = ""
    """How far it is."""
    stopped: bool = False
    """The person has stopped it."""
    stop: Callable[[], None] = lambda: None


@dataclass(kw_only=True)
class Outgoing:
    """One for each console."""

    folder: str = "~/ANTEROOM"
    """Where files went last, while this console runs."""
    download: Running | None = None
    rows: str = ""
    """How far the rows of a list are that is about to be written."""

    @property
    def text(self) -> str:
        """Say all that goes on; empty for nothing."""
        download = self.download.shown if self.download is not None else ""
        return "  ".join(one for one in (self.rows, download) if one)
