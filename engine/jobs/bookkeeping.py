# SPDX-License-Identifier: Apache-2.0
"""How dbos waits for its database. Its bookkeeping of a job must survive every outage that the
steps survive: a workflow that dbos gives up leaves its session locked until the next start. By
default dbos waits for a lost server and for a lock, but not for a full or read-only disk; its
pauses grow beyond a minute, and nothing ends them when the engine stops. There is no public setting
for any of this."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbos import _sys_db
from dbos._utils import retriable_postgres_exception

from engine.database.outage import is_outage

LONGEST_REST = 30.0
"""Seconds between two tries of what an outage has stopped."""

_closed = threading.Event()
_launching = threading.local()


class Closed(Exception):
    """Ends what waits for the database when the engine stops; the next start resumes it."""


def begin() -> None:
    """Let dbos wait as this module says."""
    _closed.clear()
    # The one of the two predicates that heeds `retry_connection_errors`: our own questions must
    # fail, not wait.
    setattr(_sys_db, "retriable_postgres_exception", may_pass)  # noqa: B010 no public way
    setattr(_sys_db, "time", _Time())  # noqa: B010 as above


def end() -> None:
    """End all waiting: threads that wait would keep the process alive."""
    _closed.set()


@contextmanager
def at_once() -> Iterator[None]:
    """Let what this thread asks of dbos fail at once: a start that cannot be is to say so."""
    _launching.now = True
    try:
        yield
    finally:
        _launching.now = False


def may_pass(error: Exception) -> bool:
    """Say whether dbos should try again."""
    if getattr(_launching, "now", False):
        return False
    return retriable_postgres_exception(error) or is_outage(error)


class _Time:
    """The `time` of dbos's database module, whose sleep ends when the engine does."""

    def sleep(self, seconds: float) -> None:
        """Rest between two tries.

        Raises:
            Closed: if the engine stops.
        """
        if _closed.wait(min(seconds, LONGEST_REST)):
            raise Closed

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
