# SPDX-License-Identifier: Apache-2.0
"""The messages between engine and worker over their socket pair, and their framing. Only claims
wait for an answer; per object there is only a wake-up, which is not answered."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

import msgspec

from engine.intake.claims import Claim, ClaimRequest, Known
from engine.intake.snapshot import Snapshot

_LENGTH = struct.Struct("<I")
_MAX_MESSAGE = 256 * 1024 * 1024


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all that is said."""


class CannotStart(Message, frozen=True, kw_only=True):
    """Worker: I end before I have begun, and this is why in words, without paths."""

    reason: str


class Hello(Message, frozen=True, kw_only=True):
    """Worker: I am here and listen to what I was given."""

    pid: int
    journal: str


class Begin(Message, frozen=True, kw_only=True):
    """Engine: it is your turn. A worker that has not heard this has touched nothing."""


class TakeSnapshot(Message, frozen=True, kw_only=True):
    """Engine: this is in force from now on."""

    snapshot: Snapshot


class InForce(Message, frozen=True, kw_only=True):
    """Worker: I have taken the snapshot of this number."""

    number: int


class Rotate(Message, frozen=True, kw_only=True):
    """Engine: your journal is long; go on in this one, which I know of already."""

    journal: str


class Rotated(Message, frozen=True, kw_only=True):
    """Worker: I write to this journal, and to no other any more."""

    journal: str


class Listening(Message, frozen=True, kw_only=True):
    """Worker: I accept connections on these ports, and on no others."""

    ports: tuple[int, ...]


class Ask(Message, frozen=True, kw_only=True):
    """Worker: give me the session for this claim, or say what is known of a file."""

    id: int
    claim: ClaimRequest | None = None
    session: str = ""
    file: str = ""


class Tell(Message, frozen=True, kw_only=True):
    """Engine: the answer to `Ask`."""

    id: int
    claim: Claim | None = None
    known: tuple[Known, ...] = ()
    stale: bool = False
    refused: str = ""


class Grown(Message, frozen=True, kw_only=True):
    """Worker: there are new records in my journal."""


class TransferNews(Message, frozen=True, kw_only=True):
    """Worker: the state of a transfer. Times are nanoseconds since 1970 (UTC), sizes bytes."""

    transfer: str
    worker: str
    receiver: str
    port: int
    calling: str
    peer: str
    opened: int
    objects: int
    bytes: int
    last_object: int = 0
    series: str = ""
    last_error: str = ""
    closed: int = 0
    ended: str = ""
    account: str = ""
    certificate: str = ""
    echoes: int = 0


class Asked(Message, frozen=True, kw_only=True):
    """Worker: a request for a storage commitment lies in its file."""

    request: str


class Reported(Message, frozen=True, kw_only=True):
    """Worker: a report was answered with a status; None where the association is over, or does not
    take it."""

    report: str
    status: int | None = None


class SendReport(Message, frozen=True, kw_only=True):
    """Engine: send what lies in a file over a transfer's association, in answer to its request."""

    report: str
    transfer: str
    context: int
    event: int
    file: str


class Turned(Message, frozen=True, kw_only=True):
    """Worker: somebody was turned away before a transfer began, `count` times, last `at`."""

    at: int
    count: int
    called: str
    port: int
    calling: str
    peer: str
    reason: str


class Stop(Message, frozen=True, kw_only=True):
    """Engine: finish the objects in flight, then leave."""


ToWorker = Begin | TakeSnapshot | Tell | SendReport | Rotate | Stop
ToEngine = (
    CannotStart
    | Hello
    | InForce
    | Listening
    | Ask
    | Grown
    | TransferNews
    | Turned
    | Asked
    | Reported
    | Rotated
)

_encode = msgspec.msgpack.Encoder().encode
_decode_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_decode_to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)


def frame(message: Message) -> bytes:
    """Encode a message with its length before it."""
    payload = _encode(message)
    return _LENGTH.pack(len(payload)) + payload


def decode_to_engine(payload: bytes) -> ToEngine:
    """Decode what a worker said."""
    return _decode_to_engine.decode(payload)


def decode_to_worker(payload: bytes) -> ToWorker:
    """Decode what the engine said."""
    return _decode_to_worker.decode(payload)


def frame_length(head: bytes) -> int:
    """Read the length before a message.

    Raises:
        ValueError: if it is beyond anything that is ever said.
    """
    (length,) = _LENGTH.unpack(head)
    if length > _MAX_MESSAGE:
        raise ValueError("a message on the worker channel is too long")
    return int(length)


class WorkerChannel:
    """The worker's end. Sending takes a lock; only the claim path and the news use it."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over the worker's half of the pair."""
        self._socket = sock
        self._sending = threading.Lock()
        self._waiting: dict[int, tuple[threading.Event, list[Tell]]] = {}
        self._next = 0
        self._closed = False

    def send(self, message: ToEngine) -> None:
        """Say something that needs no answer.

        Raises:
            OSError: if the engine has gone.
        """
        data = frame(message)
        with self._sending:
            self._socket.sendall(data)

    def ask(
        self, claim: ClaimRequest | None = None, *, session: str = "", file: str = ""
    ) -> Tell | None:
        """Ask and wait for the answer; None when the engine has gone."""
        answered = threading.Event()
        box: list[Tell] = []
        # Registered before it is sent, and under the lock: the answer may come before `sendall`
        # returns, and a channel that closes meanwhile must find this question to release it.
        with self._sending:
            if self._closed:
                return None
            self._next += 1
            number = self._next
            self._waiting[number] = (answered, box)
            try:
                self._socket.sendall(frame(Ask(id=number, claim=claim, session=session, file=file)))
            except OSError:
                del self._waiting[number]
                return None
        answered.wait()
        return box[0] if box else None

    def receive(self) -> Begin | TakeSnapshot | SendReport | Rotate | Stop | None:
        """Wait for the next message that is no answer; None when the engine has gone.

        Raises:
            ValueError: if what it says is no message; nobody waits for an answer any more.
        """
        while True:
            try:
                message = self._read()
            except ValueError:
                self._release_all()
                raise
            if message is None:
                self._release_all()
                return None
            if not isinstance(message, Tell):
                return message
            waiting = self._waiting.pop(message.id, None)
            if waiting is not None:
                waiting[1].append(message)
                waiting[0].set()

    def close(self) -> None:
        """Hang up, from any thread: `receive` gives None and nobody waits for an answer."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _release_all(self) -> None:
        with self._sending:
            self._closed = True
            left = list(self._waiting.values())
            self._waiting.clear()
        for answered, _ in left:
            answered.set()

    def _read(self) -> ToWorker | None:
        head = self._exactly(_LENGTH.size)
        payload = self._exactly(frame_length(head)) if head else b""
        return decode_to_worker(payload) if payload else None

    def _exactly(self, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            try:
                part = self._socket.recv(min(length, 1 << 20))
            except OSError:
                return b""
            if not part:
                return b""
            parts.append(part)
            length -= len(part)
        return b"".join(parts)
