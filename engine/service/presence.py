# SPDX-License-Identifier: Apache-2.0
"""Who has which session open in a console: kept in the engine's memory only, and forgotten when the
console has not said so again for a while. Others are told by an event."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.model.desk import Opened
from engine.service.event_buffer import EventBuffer

LASTS = 60.0
"""Seconds that somebody counts as there without saying so again."""

_MOST = 1_000
"""Open sessions that are remembered, of everybody together."""


@dataclass(slots=True)
class _Stay:
    login: str
    session: str
    since: datetime
    until: float


class Presence:
    """Of one engine. Used from its loop only."""

    def __init__(self, buffer: EventBuffer, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody there."""
        self._buffer = buffer
        self._clock = clock
        self._stays: dict[str, _Stay] = {}
        """By console: each has one session open at a time."""

    def opened(self, client: str, login: str, session: str) -> None:
        """Note that a console of somebody has a session open, or still has."""
        self._forget()
        key = f"{login}\0{client}"
        stay = self._stays.get(key)
        until = self._clock() + LASTS
        if stay is not None and stay.session == session:
            stay.until = until
            return
        if stay is not None:
            self._leave(key)
        if len(self._stays) >= _MOST:
            self._leave(min(self._stays, key=lambda each: self._stays[each].until))
        self._stays[key] = _Stay(login, session, datetime.now(UTC), until)
        self._buffer.tell("session", session, f"opened by {login}")

    def closed(self, client: str, login: str) -> None:
        """Note that a console of somebody has no session open any more."""
        self._leave(f"{login}\0{client}")

    def others(self, login: str, session: str = "") -> tuple[Opened, ...]:
        """Return who else has a session open, or any; each person once for each."""
        self._forget()
        found: dict[tuple[str, str], Opened] = {}
        for stay in self._stays.values():
            key = (stay.session, stay.login)
            if stay.login != login and session in ("", stay.session) and key not in found:
                found[key] = Opened(session=stay.session, login=stay.login, since=stay.since)
        return tuple(sorted(found.values(), key=lambda one: one.since))

    def _forget(self) -> None:
        now = self._clock()
        for key in [key for key, stay in self._stays.items() if stay.until <= now]:
            self._leave(key)

    def _leave(self, key: str) -> None:
        stay = self._stays.pop(key, None)
        if stay is not None:
            self._buffer.tell("session", stay.session, f"closed by {stay.login}")
