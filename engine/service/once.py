# SPDX-License-Identifier: Apache-2.0
"""What is written down once in a while only, however often it happens."""

from __future__ import annotations

import time
from collections import OrderedDict

_MOST = 20_000
"""Things that are remembered; of more the oldest are written down once more."""


class Once:
    """Says whether something is to be written down again."""

    def __init__(self, seconds: float) -> None:
        """The same is due once in so many seconds."""
        self._seconds = seconds
        self._last: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_due(self, *what: str) -> bool:
        """Say whether this was not due within the seconds before; it was from now on."""
        now = time.monotonic()
        last = self._last.get(what)
        if last is not None and now - last < self._seconds:
            return False
        self._last[what] = now
        self._last.move_to_end(what)
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return True
