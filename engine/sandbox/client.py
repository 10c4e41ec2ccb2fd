# SPDX-License-Identifier: Apache-2.0
"""The calling side of a sandbox: starts the helper process on first use and again after it died,
sends requests to it, and kills it if it does not answer within the limits. The other side is
`engine.sandbox.server`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from engine.sandbox.protocol import ANSWER, GREETING, SPENT, Answer

GIB = 1024 * 1024 * 1024
PATIENCE = 20.0
"""A helper is waited for so many times as long as it may use the processor: many helpers share a
busy machine. It ends one that only sleeps, as on a store that does not answer."""
_LEAST = 3.0
"""Seconds of processor time for which a helper is waited for at least."""
_START = 300.0
"""Seconds by the clock that starting a helper may take: that is ours, not the object's."""
_ROOT = str(Path(__file__).resolve().parents[2])
_SERVER = (sys.executable, "-m", "engine.sandbox.server")


class NoAnswer(Exception):
    """The helper does not answer within the limits; `reason` is a sentence for users."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sandbox:
    """One helper process at a time; used by any thread."""

    def __init__(
        self,
        worker: str,
        *,
        seconds: float,
        patience: float = PATIENCE,
        memory: int,
        largest_file: int = 0,
        longest: int,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Let the module `worker` do the work. Allow each request so many seconds of processor
        time, the process so many bytes of address space, and its files so many bytes; wait
        `patience` times as long by the clock, and take answers of at most `longest` bytes."""
        self._seconds = seconds
        self._patience = patience
        self._longest = longest
        self._command = (*(command or _SERVER), worker, str(memory), str(largest_file))
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def ask(
        self,
        work: Mapping[str, object],
        *,
        doing: str,
        seconds: float | None = None,
        mapped: int = 0,
    ) -> Answer:
        """Send a request to the helper, for whom `seconds` of processor time is added, and address
        space for a file of `mapped` bytes that it reads where it lies. `doing` begins the reason
        when there is no answer.

        Raises:
            NoAnswer: if it does not answer within the limits.
        """
        allowed = self._seconds if seconds is None else seconds
        request = {"seconds": allowed, "mapped": mapped, "work": work}
        line = json.dumps(request).encode("ascii") + b"\n"
        with self._lock:
            if self._closed:
                raise NoAnswer("the guarded helper is closed")
            try:
                answer = self._ask(line, allowed)
            except TimeoutError:
                self._kill()
                raise NoAnswer(f"{doing} took too long") from None
            except (EOFError, OSError):
                # The kernel's signal at the soft limit of processor time (`confinement.allow_cpu`).
                if self._kill() == -signal.SIGXCPU:
                    raise NoAnswer(f"{doing} took too much processor time") from None
                raise NoAnswer(f"{doing} exceeded the limits of the helper") from None
            if answer.status == SPENT:
                self._kill()
        return answer

    def interrupt(self) -> None:
        """End the helper whatever it is at: who waits for its answer gets none, and nothing more
        can be asked."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the helper; nothing more can be asked."""
        with self._lock:
            self._closed = True
            self._kill()

    def _ask(self, request: bytes, seconds: float) -> Answer:
        process = self._process
        if process is None or process.poll() is not None:
            self._kill()
            process = self._start()
        assert process.stdin is not None
        deadline = time.monotonic() + self._patience * max(seconds, _LEAST)
        process.stdin.write(request)
        process.stdin.flush()
        status, number, length = ANSWER.unpack(_read(process, ANSWER.size, deadline))
        if length > self._longest:
            raise EOFError("no answer is as long as this")
        return Answer(status=status, number=number, body=_read(process, length, deadline))

    def _start(self) -> subprocess.Popen[bytes]:
        # Nothing else is inherited: the engine's environment may hold secrets, and the helper
        # reads hostile bytes.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH")))),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Each thread of a linear algebra library takes address space that none needs here.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            # Out of the terminal's process group: Ctrl-C is for the engine alone.
            start_new_session=True,
        )
        self._process = process
        _read(process, len(GREETING), time.monotonic() + _START)
        return process

    def _kill(self) -> int | None:
        """End the helper; return how it ended, as `Popen.returncode`, where there was one."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        ended = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # a request that never left is flushed at a process that is gone
        return ended


def _read(process: subprocess.Popen[bytes], length: int, deadline: float) -> bytes:
    """Read so many bytes of the answer.

    Raises:
        TimeoutError: when the deadline passes.
        EOFError: when the helper ends.
    """
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    data = bytearray()
    while len(data) < length:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError
        # From the descriptor: poll knows nothing of bytes that Python's file has buffered.
        piece = os.read(descriptor, min(length - len(data), 1024 * 1024))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
