# SPDX-License-Identifier: Apache-2.0
"""Reacting once to what comes in bursts, such as typing or a moving cursor: when it has been quiet
for a while."""

from __future__ import annotations

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer


class Debounce:
    """Puts off what is to be done, and does only the last of it."""

    def __init__(self, owner: MessagePump) -> None:
        """Do things within a widget, and not after its end."""
        self._owner = owner
        self._timer: Timer | None = None

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something after a pause, in the place of what is still put off."""
        self.stop()
        self._timer = self._owner.set_timer(seconds, act)

    def stop(self) -> None:
        """Do nothing of what is still put off."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
