# SPDX-License-Identifier: Apache-2.0
"""A conversation that arrives in exactly the segments that a test wants, without a network: a
socket for one association, which is served to its end before the next begins. What it says is
kept. An intake of its own files what arrives."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from typing import cast

from engine.dicom.part10 import read_meta
from engine.intake.snapshot import ReceiverConfig
from engine.receiver.protocol.admission import Slots
from engine.receiver.protocol.association import Association
from engine.receiver.protocol.ending import Ending
from engine.receiver.protocol.observer import Declined, Rejection
from tests.engine.intake.room import Room
from tests.engine.receiver.protocol import wire

PORT = 104
RECEIVER = ReceiverConfig(ae_title="ANTEROOM", port=PORT)
_META = 4096


class Segments:
    """What an association takes for its socket. Between two segments there is nothing to read for
    a moment; behind the last one the peer has hung up."""

    def __init__(self, segments: Iterable[bytes]) -> None:
        self._left = deque(memoryview(each) for each in segments if each)
        self._pause = False
        # Always readable: whoever waits for more is told at once that there is more.
        self._near, self._far = socket.socketpair()
        self._far.send(b"more")
        self.said = bytearray()

    def fileno(self) -> int:
        return self._near.fileno()

    def setblocking(self, flag: bool) -> None:
        pass

    def setsockopt(self, *_: object) -> None:
        pass

    def recv_into(self, target: memoryview) -> int:
        if self._pause:
            self._pause = False
            raise BlockingIOError
        if not self._left:
            return 0
        first = self._left[0]
        count = min(len(first), len(target))
        target[:count] = first[:count]
        if count == len(first):
            self._left.popleft()
            self._pause = bool(self._left)
        else:
            self._left[0] = first[count:]
        return count

    def send(self, data: memoryview) -> int:
        self.said += data
        return len(data)

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self._near.close()
        self._far.close()


class Unheard:
    """An observer that is told and does nothing."""

    def opened(self, association: Association) -> None:
        pass

    def progressed(self, association: Association) -> None:
        pass

    def declined(self, association: Association, declined: Declined) -> None:
        pass

    def reported(self, report: str, status: int | None) -> None:
        pass

    def closed(self, association: Association, ending: Ending) -> None:
        pass

    def rejected(self, rejection: Rejection) -> None:
        pass


class Conversations:
    """Holds conversations over an intake, one after the other."""

    def __init__(self, room: Room, *, durable: bool = True) -> None:
        self.room = room
        self.answered: set[bytes] = set()
        """Data sets that were answered with success, as far as a test notes them."""
        room.snapshot(2, receivers=(RECEIVER,), durable=durable)
        self._slots = Slots()
        self._observer = Unheard()

    def hold(self, *segments: bytes) -> tuple[Ending | None, list[int]]:
        """Hold one; return how it ended, and the statuses of its answers."""
        sock = Segments(segments)
        association = Association(
            cast(socket.socket, sock),
            "127.0.0.1",
            port=PORT,
            intake=self.room.intake,
            observer=self._observer,
            slots=self._slots,
            new_id=lambda: "tr_1",
            linger=0,
        )
        association.run()
        assert self._slots.half_open("127.0.0.1") == 0
        assert self._slots.established(RECEIVER) == 0
        assert not os.listdir(self.room.staging.folder)
        return association.ending, statuses(bytes(sock.said))

    @property
    def kept(self) -> list[bytes]:
        """The data sets of all files, in sessions and held ones."""
        return [data_set_of(path.read_bytes()) for path in (*self.room.files, *self.room.held)]


def data_set_of(file: bytes) -> bytes:
    """Cut off preamble and group 2."""
    return file[read_meta(file[:_META]).dataset_offset :]


def statuses(said: bytes) -> list[int]:
    """Return the status of each answer among what an association has said."""
    found, position = [], 0
    while position < len(said):
        length = int.from_bytes(said[position + 2 : position + 6], "big")
        if said[position] == 0x04:
            found.append(wire.status(wire.elements(said[position + 12 : position + 6 + length])))
        position += 6 + length
    return found


def crossed(stream: bytes) -> list[bytes]:
    """Return the data sets of a conversation's messages as far as they are whole. It is for what
    was answered, and so was well-formed up to there."""
    found: list[bytes] = []
    data, position = b"", 0
    while position + 6 <= len(stream):
        length = int.from_bytes(stream[position + 2 : position + 6], "big")
        body = stream[position + 6 : position + 6 + length]
        if stream[position] == 0x04:
            for control, piece in _fragments(body):
                if not control & 1:
                    data += piece
                    if control & 2:
                        found.append(data)
                        data = b""
        position += 6 + length
    return found


def _fragments(body: bytes) -> Sequence[tuple[int, bytes]]:
    found, position = [], 0
    while position + 6 <= len(body):
        length = int.from_bytes(body[position : position + 4], "big")
        found.append((body[position + 5], body[position + 6 : position + 4 + length]))
        position += max(4 + length, 6)
    return found
