# SPDX-License-Identifier: Apache-2.0
"""What the user was told lately. A toast goes after four seconds; its text stays here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Severity = Literal["information", "warning", "error"]

KEPT = 200
SIGNS: dict[Severity, str] = {"information": "·", "warning": "!", "error": "✗"}
TONES: dict[Severity, str] = {"information": "plain", "warning": "look", "error": "bad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One thing that was said."""

    at: datetime
    text: str
    severity: Severity = "information"


class Notices:
    """The last notices, newest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: deque[Notice] = deque(maxlen=KEPT)
        self.unseen = 0
        """Warnings and errors that came since the list was opened."""

    @property
    def all(self) -> tuple[Notice, ...]:
        """The notices, newest first."""
        return tuple(self._kept)

    def add(self, notice: Notice) -> None:
        """Keep a notice."""
        self._kept.appendleft(notice)
        if notice.severity != "information":
            self.unseen += 1

    def seen(self) -> None:
        """Note that the list was looked at."""
        self.unseen = 0
