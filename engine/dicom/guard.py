"""The guarded helper: a process of its own, with limits on time and memory, that reads with
pydicom what cannot be indexed exactly in memory. It may die without touching anything else.
pydicom is never given untrusted input outside of it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

_GIB = 1 << 30
_CHUNK = 1 << 20


class Unreadable(Exception):
    """A data set that even the helper cannot read. `reason` holds no values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Guard:
    """Starts the helper when it is first needed, and anew when it has died. Thread-safe."""

    def __init__(self, *, seconds: float = 10.0, memory: int = _GIB) -> None:
        """Limit each request to `seconds` of wall clock and the helper to `memory` bytes."""
        self._seconds = seconds
        self._memory = memory
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def normalise(self, path: Path, transfer_syntax: str, dataset_offset: int) -> bytes:
        """Give the head of a stored data set as Explicit VR Little Endian, bulk values left out.

        Raises:
            Unreadable: if the helper cannot read it, takes too long or dies of it.
        """
        request = json.dumps(
            {"path": str(path), "syntax": transfer_syntax, "offset": dataset_offset}
        )
        with self._turn:
            process = self._process
            if process is None or process.poll() is not None:
                process = self._start()
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(request.encode() + b"\n")
                process.stdin.flush()
                head = self._read(process, 5, time.monotonic() + self._seconds)
                body = self._read(
                    process, int.from_bytes(head[1:], "big"), time.monotonic() + self._seconds
                )
            except (OSError, EOFError):
                self._end()
                raise Unreadable("the helper died of the data set") from None
            except TimeoutError:
                self._end()
                raise Unreadable("the data set took too long to read") from None
        if head[:1] != b"+":
            raise Unreadable(body.decode())
        return body

    def close(self) -> None:
        """End the helper."""
        with self._turn:
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        self._end()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.dicom.guard_process", str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        # Starting takes as long as it takes; only requests are timed.
        self._read(self._process, 1, time.monotonic() + 60)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self, process: subprocess.Popen[bytes], length: int, until: float) -> bytes:
        assert process.stdout is not None
        data = bytearray()
        while len(data) < length:
            left = until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise TimeoutError
            part = process.stdout.read(min(length - len(data), _CHUNK))
            if not part:
                raise EOFError
            data += part
        return bytes(data)
