# SPDX-License-Identifier: Apache-2.0
"""The limits of associations over all workers of an engine: of a receiver, and of an address that
calls it. Each association holds locks on bytes of a file that the workers share. The kernel
releases them when a worker is killed, so an association that is gone is never counted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading

from engine.intake.snapshot import ReceiverConfig
from engine.receiver.protocol.admission import Slots

_MOST = 1 << 16
_Key = tuple[str, int] | tuple[str, int, str]
"""A receiver, or an address that calls it."""


class SharedSlots(Slots):
    """Slots of one worker. Nothing else in its process may open the file: closing it unlocks."""

    def __init__(self, descriptor: int) -> None:
        """Count in the file behind `descriptor`, which the caller keeps open."""
        super().__init__()
        self._file = descriptor
        self._turn = threading.Lock()
        self._held: dict[_Key, set[int]] = {}

    def take(self, receiver: ReceiverConfig) -> bool:
        """Count an association; false when all workers together have reached the limit."""
        key = _receiver(receiver)
        if not self._take_byte(key, receiver.max_associations):
            return False
        if super().take(receiver):
            return True
        self._give_back_byte(key)
        return False

    def give_back(self, receiver: ReceiverConfig) -> None:
        """Uncount an association that ended."""
        super().give_back(receiver)
        self._give_back_byte(_receiver(receiver))

    def take_peer(self, receiver: ReceiverConfig, peer: str) -> bool:
        """Count an association of an address; false when it has reached its limit over all workers
        together."""
        key = (*_receiver(receiver), peer)
        if not self._take_byte(key, receiver.max_per_peer or _MOST):
            return False
        if super().take_peer(receiver, peer):
            return True
        self._give_back_byte(key)
        return False

    def give_back_peer(self, receiver: ReceiverConfig, peer: str) -> None:
        """Uncount an association of an address that ended."""
        super().give_back_peer(receiver, peer)
        self._give_back_byte((*_receiver(receiver), peer))

    def _take_byte(self, key: _Key, limit: int) -> bool:
        start = _start(key)
        with self._turn:
            # A process never conflicts with its own locks (fcntl(2)), so the bytes that
            # this process holds are remembered here; otherwise every thread would be given
            # the first byte.
            held = self._held.get(key, set())
            for number in range(min(limit, _MOST)):
                if number not in held and self._lock_byte(start + number):
                    held.add(number)
                    self._held[key] = held
                    return True
        return False

    def _give_back_byte(self, key: _Key) -> None:
        with self._turn:
            # The highest: where the limit was lowered meanwhile, the excess goes first.
            held = self._held[key]
            number = max(held)
            held.remove(number)
            if not held:
                # There may be any number of addresses in the life of a worker.
                del self._held[key]
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


def _receiver(receiver: ReceiverConfig) -> tuple[str, int]:
    return receiver.ae_title, receiver.port


def _start(key: _Key) -> int:
    """Assign each key a stretch of its own; locks reach beyond the end of a file."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    # 2^40 stretches of 2^16 bytes: offsets stay below 2^63, and a collision within one
    # engine, where two would then share their limits, is not to be expected.
    return int.from_bytes(digest[:5], "big") * _MOST
