# SPDX-License-Identifier: Apache-2.0
"""The worker's end of the channel: nobody waits for an answer that cannot come any more."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from engine.intake.channel import Ask, Stop, Tell, WorkerChannel, decode_to_engine, frame
from engine.intake.claims import Claim, ClaimRequest

REQUEST = ClaimRequest(project="P", study_uid="1.2", label="MR1")


class Ends:
    """Both ends, and a thread of the worker that asks."""

    def __init__(self) -> None:
        self.engine, sock = socket.socketpair()
        self.engine.settimeout(30)
        self._sock = sock
        self.worker = WorkerChannel(sock)
        self.answers: list[Tell | None] = []

    def asking(self) -> threading.Thread:
        thread = threading.Thread(target=lambda: self.answers.append(self.worker.ask(REQUEST)))
        thread.start()
        return thread

    def asked(self) -> Ask:
        (length,) = struct.unpack("<I", self.engine.recv(4, socket.MSG_WAITALL))
        message = decode_to_engine(self.engine.recv(length, socket.MSG_WAITALL))
        assert isinstance(message, Ask)
        return message

    def close(self) -> None:
        self.engine.close()
        self._sock.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_each_question_gets_its_own_answer(ends: Ends) -> None:
    threads = [ends.asking() for _ in range(3)]
    numbers = [ends.asked().id for _ in threads]
    for number in reversed(numbers):
        ends.engine.sendall(
            frame(Tell(id=number, claim=Claim(session=f"pre_{number}", folder="/f")))
        )
    # An answer that nobody waits for is no harm.
    ends.engine.sendall(frame(Tell(id=99)) + frame(Stop()))
    assert isinstance(ends.worker.receive(), Stop)
    for thread in threads:
        thread.join()
    assert sorted(told.id for told in ends.answers if told) == sorted(numbers)


def test_an_engine_that_goes_releases_who_waits(ends: Ends) -> None:
    thread = ends.asking()
    ends.asked()
    ends.engine.close()
    assert ends.worker.receive() is None
    thread.join()
    assert ends.answers == [None]
    assert ends.worker.ask(REQUEST) is None


@pytest.mark.parametrize("said", [b"\x01\0\0\0\xc1", b"\x04\0\0\0what", b"\xff\xff\xff\xff"])
def test_an_engine_that_says_nonsense_releases_who_waits(ends: Ends, said: bytes) -> None:
    thread = ends.asking()
    ends.asked()
    ends.engine.sendall(said)
    with pytest.raises(ValueError):
        ends.worker.receive()
    thread.join()
    assert ends.answers == [None]
