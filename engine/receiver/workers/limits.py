# SPDX-License-Identifier: Apache-2.0
"""The limit of associations per receiver, over all workers of an engine. Each association holds a
lock on one byte of a file that the workers share. The kernel releases the lock when a worker is
killed, so an association that is gone is never counted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading

from engine.intake.snapshot import ReceiverConfig
from engine.receiver.protocol.admission import Slots

_MOST = 1 << 16


class SharedSlots(Slots):
    """Slots of one worker. Nothing else in its process may open the file: closing it unlocks."""

    def __init__(self, descriptor: int) -> None:
        """Count in the file behind `descriptor`, which the caller keeps open."""
        super().__init__()
        self._file = descriptor
        self._turn = threading.Lock()
        self._held: dict[tuple[str, int], set[int]] = {}

    def take(self, receiver: ReceiverConfig) -> bool:
        """Count an association; false when all workers together have reached the limit."""
        key = (receiver.ae_title, receiver.port)
        start = _start(key)
        with self._turn:
            # A process never conflicts with its own locks (fcntl(2)), so the bytes that
            # this process holds are remembered here; otherwise every thread would be given
            # the first byte.
            held = self._held.setdefault(key, set())
            for number in range(min(receiver.max_associations, _MOST)):
                if number not in held and self._lock_byte(start + number):
                    if not super().take(receiver):
                        self._unlock_byte(start + number)
                        return False
                    held.add(number)
                    return True
        return False

    def give_back(self, receiver: ReceiverConfig) -> None:
        """Uncount an association that ended."""
        key = (receiver.ae_title, receiver.port)
        super().give_back(receiver)
        with self._turn:
            # The highest: where the limit was lowered meanwhile, the excess goes first.
            held = self._held[key]
            number = max(held)
            held.remove(number)
            self._unlock_byte(_start(key) + number)

    def _lock_byte(self, offset: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset, os.SEEK_SET)
        # POSIX allows both EAGAIN and EACCES for a lock that another process holds.
        except (BlockingIOError, PermissionError):
            return False  # another worker has it
        return True

    def _unlock_byte(self, offset: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset, os.SEEK_SET)


def _start(key: tuple[str, int]) -> int:
    """Assign each receiver a stretch of its own; locks reach beyond the end of a file."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    # 2^40 stretches of 2^16 bytes: offsets stay below 2^63, and a collision between the receivers
    # of one engine, which would then share their limits, is not to be expected.
    return int.from_bytes(digest[:5], "big") * _MOST
