# SPDX-License-Identifier: Apache-2.0
"""The guard: what cannot be indexed exactly in place is read by pydicom in a helper process with
limits on time and memory, which may die without touching anything else. This is the side that asks;
`engine.dicom.guard_process` is the side that reads."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from engine.dicom.walk import MAX_HEADER

GIB = 1024 * 1024 * 1024
ANSWER = struct.Struct("<BQI")
SPENT = 2
"""The status of a helper that still answers, but whose memory or stack had run out."""
CONTRARY = 3
"""The status of a head that was read, but is in Implicit VR where Explicit VR was said."""
GREETING = b"ready\n"
PATIENCE = 20.0
"""A helper is waited for so many times as long as it may use the processor: many helpers share a
busy machine. It ends one that only sleeps, as on a store that does not answer."""
_LEAST = 3.0
"""Seconds of processor time for which a helper is waited for at least."""
_START = 300.0
"""Seconds by the clock that starting a helper may take: that is ours, not the object's."""
_ROOT = str(Path(__file__).resolve().parents[2])


class Unreadable(Exception):
    """A header that nobody can read; `reason` is a sentence without anything from the object."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class NormalHead:
    """A head as Explicit VR Little Endian; `end` is where it ended in the data set as it was, in
    bytes from the start of the data set (inflated, where it was deflated)."""

    data: bytes
    end: int
    contrary: bool = False
    """Whether elements are in Implicit VR where Explicit VR was said: nobody else may be able to
    read the object, and a part of it must not be written anew."""


class Guard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 10,
        patience: float = PATIENCE,
        memory: int = GIB,
        longest: int = MAX_HEADER,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each request so many seconds of processor time, and the process so many bytes of
        address space; wait `patience` times as long by the clock, and take answers of at most
        `longest` bytes."""
        self._longest = longest
        self._seconds = seconds
        self._patience = patience
        self._memory = memory
        self._command = command or (sys.executable, "-m", "engine.dicom.guard_process")
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def normalise(self, path: Path, transfer_syntax: str, dataset_offset: int) -> bytes:
        """Return the head (before group 7FE0) of a file as Explicit VR Little Endian. Bulk values
        of more than 64 KiB are left out.

        Raises:
            Unreadable: if it cannot be read within the limits.
        """
        return self.head(path, transfer_syntax, dataset_offset).data

    def head(self, path: Path, transfer_syntax: str, dataset_offset: int) -> NormalHead:
        """As `normalise`, with where the head ended.

        Raises:
            Unreadable: if it cannot be read within the limits.
        """
        status, end, body = self.ask(
            {
                "path": os.path.abspath(path),
                "transfer_syntax": transfer_syntax,
                "dataset_offset": dataset_offset,
            },
            doing="reading the header",
        )
        if status not in (0, CONTRARY):
            raise Unreadable(body.decode("utf-8", "replace"))
        return NormalHead(data=body, end=end, contrary=status == CONTRARY)

    def ask(
        self, request: Mapping[str, object], *, doing: str, seconds: float | None = None
    ) -> tuple[int, int, bytes]:
        """Send a request to the helper, for whom `seconds` of processor time is added; give status,
        number and body of the answer. `doing` begins the reason when there is none.

        Raises:
            Unreadable: if it does not answer within the limits.
        """
        allowed = self._seconds if seconds is None else seconds
        line = json.dumps({**request, "seconds": allowed}).encode("ascii") + b"\n"
        with self._lock:
            if self._closed:
                raise Unreadable("the guarded helper is closed")
            try:
                status, number, body = self._ask(line, allowed)
            except TimeoutError:
                self._kill()
                raise Unreadable(f"{doing} took too long") from None
            except (EOFError, OSError):
                if self._kill() == -signal.SIGXCPU:
                    raise Unreadable(f"{doing} took too much processor time") from None
                raise Unreadable(f"{doing} exceeded the limits of the helper") from None
            if status == SPENT:
                self._kill()
        return status, number, body

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

    def _ask(self, request: bytes, seconds: float) -> tuple[int, int, bytes]:
        process = self._process
        if process is None or process.poll() is not None:
            self._kill()
            process = self._start()
        assert process.stdin is not None
        deadline = time.monotonic() + self._patience * max(seconds, _LEAST)
        process.stdin.write(request)
        process.stdin.flush()
        status, end, length = ANSWER.unpack(_read(process, ANSWER.size, deadline))
        if length > self._longest:
            raise EOFError("no answer is as long as this")
        return status, end, _read(process, length, deadline)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH")))),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Each thread of a linear algebra library takes address space that none needs here.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        process = subprocess.Popen(
            [*self._command, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
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
        piece = os.read(descriptor, min(length - len(data), 1024 * 1024))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
