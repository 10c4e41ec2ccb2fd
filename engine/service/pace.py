# SPDX-License-Identifier: Apache-2.0
"""How often somebody may ask what could be found out by asking often, or do what fills what is
kept for ever."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil

from engine.model.errors import Refused

LOOK_UPS, LOOK_UP_SECONDS = 20, 600.0
"""How many names a person may look up in how many seconds: enough for a pile of papers, and not for
a list of guesses."""

_MOST = 10_000
"""People who are remembered."""


class Pace:
    """So many questions of each person within so many seconds."""

    def __init__(
        self, questions: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with nobody having asked."""
        self._questions = questions
        self._seconds = seconds
        self._clock = clock
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def ask(self, who: str) -> None:
        """Count a question.

        Raises:
            Refused: that was too often; nothing is counted then.
        """
        now = self._clock()
        asked = self._asked.setdefault(who, deque())
        self._asked.move_to_end(who)
        if len(self._asked) > _MOST:
            self._asked.popitem(last=False)
        while asked and asked[0] <= now - self._seconds:
            asked.popleft()
        if len(asked) >= self._questions:
            wait = ceil(asked[0] + self._seconds - now)
            raise Refused(
                f"this may be done {self._questions} times in {self._seconds:.0f} seconds",
                hint=f"try again in {wait} seconds",
            )
        asked.append(now)
