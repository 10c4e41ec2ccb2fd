# SPDX-License-Identifier: Apache-2.0
"""How dbos's threads rest. By themselves they ask the database a dozen times a second whether there
is a job, a message, a deadline, an hour or a new queue. Here one thread for each queue asks only
once something was committed, and those that serve what no job of ours uses do nothing. None of that
has a public setting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from dbos import _dbos
from dbos._queue import Queue, queue_worker_thread
from dbos._sys_db import SystemDatabase

from engine.database.connection import Address
from engine.database.watch import Watch

JOIN_SECONDS = 10.0
"""How long a thread may take to end; a job that it has just taken begins first."""


def begin() -> None:
    """Keep dbos from starting threads that are not needed."""
    # It starts one for each queue in this one; ours are started below.
    setattr(_dbos, "queue_thread", _rest)  # noqa: B010 no public way
    # Delays and deadlines of jobs: ours have none.
    setattr(_dbos, "background_jobs_thread", _rest)  # noqa: B010 as above
    # Jobs by the calendar: ours come from what happens.
    setattr(_dbos, "dynamic_scheduler_loop", _rest)  # noqa: B010 as above
    # Messages between jobs: ours send none.
    setattr(SystemDatabase, "run_notification_listener", _rest)  # noqa: B010 as above


def _rest(*_arguments: Any) -> None:
    """Do nothing."""


class Bell:
    """Stands in for the event that ends a thread of dbos, in whose `wait` that thread rests: it
    returns when there is something to do, or when the thread is to end."""

    def __init__(self, address: Address, unfinished: Callable[[], bool]) -> None:
        """Rest while the database at `address` is as it was when nothing was `unfinished`."""
        self._watch = Watch(address)
        self._unfinished = unfinished
        self._rung = threading.Event()
        self._stopped = False
        self._empty: object = None
        """What the database was like when the queue was found empty; None where it was not."""

    def is_set(self) -> bool:
        """Say whether the thread is to end."""
        return self._stopped

    def wait(self, timeout: float) -> bool:
        """Rest until there may be a job to take, but for `timeout` at least while there is one that
        cannot be taken; say whether the thread is to end."""
        while True:
            rung = self._rung.wait(timeout)
            if self._stopped:
                return True
            if rung:
                # Not otherwise: what rings just after the time was up is for the next time.
                self._rung.clear()
                self._empty = None
                return False
            if self._is_worth_a_look():
                return False

    def ring(self) -> None:
        """Tell that there is a job."""
        self._rung.set()

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped = True
        self._rung.set()

    def close(self) -> None:
        """Let go of the database."""
        self._watch.close()

    def _is_worth_a_look(self) -> bool:
        # First this, then the question: what comes between the two is seen the next time.
        mark = self._watch.mark()
        if mark == self._empty:
            return False
        try:
            empty = not self._unfinished()
        except Exception:
            empty = False  # whoever looks finds out
        self._empty = mark if empty else None
        return not empty


def _take(bell: Any, dbos: Any, queue: Queue) -> None:
    """Take jobs off a queue until its bell stops."""
    try:
        queue_worker_thread(bell, dbos, queue)
    except Exception:
        # It may still wait for a database while dbos ends, which takes its own away from it.
        if not bell.is_set():
            raise


class Takers:
    """The threads that take jobs off the queues."""

    def __init__(self) -> None:
        """Begin with none."""
        self._threads: list[tuple[threading.Thread, Bell]] = []

    def start(self, dbos: Any, queue: Queue, bell: Bell) -> None:
        """Begin to take jobs off a queue when its bell rings."""
        thread = threading.Thread(
            target=_take,
            args=(bell, dbos, queue),
            name=f"dbos-queue-{queue.name}",
            daemon=True,
        )
        self._threads.append((thread, bell))
        thread.start()

    def ring(self) -> None:
        """Tell that there is a job."""
        for _, bell in self._threads:
            bell.ring()

    def stop(self) -> None:
        """Take no more jobs; those that wait for a database are ended by whoever ends that."""
        for _, bell in self._threads:
            bell.stop()

    def join(self, seconds: float = JOIN_SECONDS) -> None:
        """Wait for the threads to end."""
        for thread, bell in self._threads:
            thread.join(seconds)
            bell.close()
