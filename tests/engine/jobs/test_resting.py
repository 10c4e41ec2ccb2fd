# SPDX-License-Identifier: Apache-2.0
"""How the threads of the job system rest: they ask nothing while nothing is committed, and miss
nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from engine.database.connection import Address
from engine.jobs import resting
from engine.jobs.resting import Bell, Takers

FILE = Address.parse("sqlite:////nowhere/prearchive.db")


class Seen:
    """A watch that sees one thing after the other, and then lets the thread end."""

    bell: Bell

    def __init__(self, marks: Iterable[object]) -> None:
        self.marks: Iterator[object] = iter(marks)

    def mark(self) -> object:
        for mark in self.marks:
            return mark
        self.bell.stop()
        return object()

    def close(self) -> None:
        """Hold nothing."""


class Queue:
    """A queue whose jobs are as the test says."""

    def __init__(self, unfinished: bool = False) -> None:
        self.unfinished = unfinished
        self.asked = 0
        self.fault: Exception | None = None

    def __call__(self) -> bool:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.unfinished


def bell_of(queue: Queue, marks: Iterable[object], monkeypatch: pytest.MonkeyPatch) -> Bell:
    """Make the bell of a queue, in whose database these marks are seen."""
    seen = Seen(marks)
    monkeypatch.setattr(resting, "Watch", lambda _address: seen)
    seen.bell = Bell(FILE, queue)
    return seen.bell


def test_an_empty_queue_is_asked_for_once_until_something_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue()
    assert bell_of(queue, [1] * 50 + [2] * 50, monkeypatch).wait(0.0)
    assert queue.asked == 3  # and once as it ended


def test_a_queue_with_jobs_is_looked_into_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(unfinished=True)
    bell = bell_of(queue, [1] * 3, monkeypatch)
    assert [bell.wait(0.0) for _ in range(3)] == [False, False, False]
    queue.unfinished = False
    assert bell.wait(0.0)
    assert bell.is_set()


def test_what_comes_while_the_queue_is_asked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    bell = bell_of(queue, [1, 1, 2, 2], monkeypatch)

    def committed_meanwhile() -> bool:
        queue.asked += 1
        return queue.asked == 2

    bell._unfinished = committed_meanwhile
    assert not bell.wait(0.0)


def test_a_fault_is_left_to_whoever_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    queue.fault = RuntimeError("the database does not answer")
    bell = bell_of(queue, [1, 1], monkeypatch)
    assert not bell.wait(0.0)
    assert not bell.wait(0.0)


def test_a_bell_that_rings_is_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(unfinished=True)
    bell = bell_of(queue, [1, 1], monkeypatch)
    heard, ended = threading.Event(), threading.Event()

    def listen() -> None:
        assert not bell.wait(3600.0)
        heard.set()
        assert bell.wait(3600.0)
        ended.set()

    listening = threading.Thread(target=listen, daemon=True)
    bell.ring()
    listening.start()
    assert heard.wait(60.0)
    bell.stop()
    assert ended.wait(60.0)


def test_a_bell_that_rings_as_the_time_is_up_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    class LateRing(threading.Event):
        late = True

        def wait(self, timeout: float | None = None) -> bool:
            if self.late:
                self.late = False
                self.set()
                return False
            return super().wait(timeout)

    # Of a server it cannot be seen at once that something was committed.
    bell = bell_of(Queue(), [1] * 4, monkeypatch)
    bell._rung = LateRing()
    assert not bell.wait(0.0)


@pytest.mark.parametrize("ended", [True, False])
def test_only_a_fault_before_the_end_is_told(monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    bell = bell_of(Queue(), [], monkeypatch)
    told: list[object] = []

    def work(*_: object) -> None:
        if ended:
            assert bell.wait(3600.0)
        raise RuntimeError("the database was taken away")

    monkeypatch.setattr(resting, "queue_worker_thread", work)
    monkeypatch.setattr(threading, "excepthook", told.append)
    queue: Any = SimpleNamespace(name="sessions")
    takers = Takers()
    takers.start(None, queue, bell)
    if ended:
        takers.stop()
    takers.join()
    assert bool(told) is not ended
