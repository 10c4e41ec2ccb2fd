# SPDX-License-Identifier: Apache-2.0
"""Kills while objects arrive: of the engine, of its workers, or of all of it, once so many objects
have been seen at a stage of their way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydicom.dataset import Dataset

from engine.intake.journal import read_all
from tests.line.sending import send
from tests.line.serving import Served
from tests.line.tracing import workers_of

STAGES = ("answered", STAGED := "staged", "*/*/SCANS/*/*/*", ".journals/*")


class Interrupted:
    """Sends, and kills once so many objects have been seen at a stage."""

    def __init__(self, prearchive: Path, *, after: int, stage: str) -> None:
        """Kill after `after` objects at a stage: that were answered, are staged, or match the
        stage's pattern in the prearchive."""
        self.killed = False
        self._prearchive = prearchive
        self._after = after
        self._stage = stage
        self._answers = 0
        self._workers: list[Path] = []
        """The processes that take objects in, in /proc."""
        self._over = threading.Event()

    def send(self, port: int, objects: list[Dataset], kill: Callable[[], None]) -> list[str]:
        """Send until the receiver is gone; return what was answered with success."""
        self._workers = []
        before = self._seen()
        killer = threading.Thread(target=self._wait, args=(before, kill))
        killer.start()
        try:
            return send(port, objects, self._answered)
        finally:
            self._over.set()
            killer.join()

    def _answered(self, _uid: str) -> None:
        self._answers += 1

    def _wait(self, before: int, kill: Callable[[], None]) -> None:
        # Staged files come and go: the first that is seen after so many answers will do.
        while not self._over.is_set():
            if self._stage == STAGED:
                seen = self._answers >= self._after and self._seen() > 0
            else:
                seen = self._seen() >= before + self._after
            if seen:
                kill()
                self.killed = True
                return

    def _seen(self) -> int:
        if self._stage == "answered":
            return self._answers
        if self._stage == STAGED:
            # Most have no name while they are written. Who takes objects in is known once something
            # is answered.
            if self._answers and not self._workers:
                self._workers = _holding(self._prearchive / ".journals")
            staging = f"{self._prearchive}/.staging/"
            return sum(_open_in(worker, staging) for worker in self._workers)
        found = list(self._prearchive.glob(self._stage))
        if self._stage.startswith(".journals"):
            return sum(map(_records, found))
        return len(found)


def _holding(folder: Path) -> list[Path]:
    """Return the processes that have files of a folder open."""
    return [process for process in Path("/proc").glob("[0-9]*") if _open_in(process, f"{folder}/")]


def _open_in(process: Path, folder: str) -> int:
    """Count the files of a folder that a process has open, named or not."""
    count = 0
    try:
        for descriptor in os.listdir(process / "fd"):
            with suppress(OSError):
                count += os.readlink(process / "fd" / descriptor).startswith(folder)
    except OSError:
        return 0  # it is gone, or not ours
    return count


def _records(journal: Path) -> int:
    try:
        return sum(1 for _ in read_all(journal))
    except FileNotFoundError:
        return 0  # it has been taken in to its end, and put away


def kill_worker(served: Served, which: int) -> None:
    """Kill the workers, this one first."""
    pids = workers_of(served.ready["pid"])
    # Which of them has the association is not ours to know: each gets its turn, then the other.
    for pid in pids[which:] + pids[:which]:
        os.kill(pid, signal.SIGKILL)


def kill_engine(served: Served) -> None:
    """Kill the engine alone: its workers find out by themselves."""
    os.kill(served.ready["pid"], signal.SIGKILL)


def kill_group(served: Served) -> None:
    """Kill the engine with all that it has started, as a power cut does."""
    os.killpg(served.ready["pid"], signal.SIGKILL)
