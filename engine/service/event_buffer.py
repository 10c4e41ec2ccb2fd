# SPDX-License-Identifier: Apache-2.0
"""Events in a ring buffer: they say what to reload, and are never the data itself. The first event
about an object is sent at once, then at most four a second; a gap or a new epoch means that
everything has to be reloaded."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from engine.model.identifiers import is_send
from engine.model.live import Event, EventBatch

_CAPACITY = 4096
_RHYTHM = 0.25
_LONGEST_WAIT = 30.0
_BATCH = 500

_Key = tuple[str, str, str]


class EventBuffer:
    """Typed events with a rising number; used from the engine's loop only."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin a new epoch."""
        self.epoch = secrets.token_hex(8)
        self._events: deque[Event] = deque(maxlen=_CAPACITY)
        self._last = 0
        self._clock = clock
        self._told: dict[_Key, float] = {}
        self._waiting: dict[_Key, tuple[str, str]] = {}
        self._news = asyncio.Event()

    def tell(self, kind: str, object: str, text: str, severity: str = "info") -> None:
        """Add an event now."""
        self._last += 1
        self._events.append(
            Event(
                number=self._last,
                at=datetime.now(UTC),
                kind=kind,
                object=object,
                text=text,
                severity=severity,
            )
        )
        news, self._news = self._news, asyncio.Event()
        news.set()

    def job_waits(self, id: str, outage: str) -> None:
        """Tell that the job of a session, or of a send, waits for a disk or a database."""
        kind = "send" if is_send(id) else "session"
        self.tell(kind, id, f"its job waits: {outage}", "error")

    def progress(
        self, kind: str, object: str, text: str, severity: str = "info", *, of: str = ""
    ) -> None:
        """Add an event of something that goes on: at once, or with the next rhythm, when only the
        newest is told. `of` tells apart several things that go on with one object."""
        key = (kind, object, of)
        now = self._clock()
        if now - self._told.get(key, -_RHYTHM) >= _RHYTHM:
            self._note(key, now)
            self._waiting.pop(key, None)
            self.tell(kind, object, text, severity)
            return
        if key not in self._waiting:
            delay = _RHYTHM - (now - self._told[key])
            asyncio.get_running_loop().call_later(delay, self._flush, key)
        self._waiting[key] = (text, severity)

    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        """Return the events after `number`, waiting up to `wait` seconds for the first."""
        if epoch != self.epoch:
            return self._batch((), gap=True)
        if number >= self._last and wait > 0:
            # Even if the time was up first, an event may have come since.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(wait, _LONGEST_WAIT))
        oldest = self._events[0].number if self._events else self._last + 1
        if number < oldest - 1:
            return self._batch((), gap=True)
        found = [event for event in self._events if event.number > number]
        return self._batch(tuple(found[:_BATCH]), gap=False)

    def _flush(self, key: _Key) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._note(key, self._clock())
            self.tell(*key[:2], *waiting)

    def _note(self, key: _Key, now: float) -> None:
        if len(self._told) >= _CAPACITY:
            self._told = {each: at for each, at in self._told.items() if now - at < _RHYTHM}
        self._told[key] = now

    def _batch(self, events: tuple[Event, ...], *, gap: bool) -> EventBatch:
        last = events[-1].number if events else self._last
        return EventBatch(epoch=self.epoch, events=events, last=last, gap=gap)
