# SPDX-License-Identifier: Apache-2.0
"""DICOM's upper layer as bytes (PS3.8 9.3), for tests: a tap between a sender and an engine that
notes every data set that crossed the wire, and a sender that says exactly what it is told to, right
or wrong. Nothing of the engine is used here: a mistake of its own would not be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack, unpack, unpack_from

PATIENCE = 120.0
"""Seconds until a test that waits for an answer that never comes is ended."""

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"

_ASSOCIATE_RQ, _ASSOCIATE_AC, _ASSOCIATE_RJ, _DATA, _RELEASE_RQ, _RELEASE_RP, _ABORT = range(1, 8)
_SOP_CLASS, _FIELD, _COMMENT = 0x0002, 0x0100, 0x0902
_DATA_TYPE, _STATUS, _SOP_INSTANCE = 0x0800, 0x0900, 0x1000


def dataset_of(path: Path) -> bytes:
    """Return the bytes of a Part 10 file behind group 2 (PS3.10 7.1)."""
    data = path.read_bytes()
    assert data[128:132] == b"DICM"
    assert data[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
    (length,) = unpack_from("<I", data, 140)
    return data[144 + length :]


def meta_of(path: Path) -> dict[int, str]:
    """Return the texts of group 2 by element number."""
    data = path.read_bytes()
    (length,) = unpack_from("<I", data, 140)
    position, values = 144, {}
    while position < 144 + length:
        _, number, vr, size = unpack_from("<HH2sH", data, position)
        position += 8
        if vr in (b"OB", b"UN"):
            (size,) = unpack_from("<I", data, position)
            position += 4
        values[number] = data[position : position + size].decode("latin_1").strip(" \0")
        position += size
    return values


class Tap:
    """Passes a connection on to an engine and notes the data sets of its C-STORE requests."""

    def __init__(self, port: int) -> None:
        """Pass on to this port of our own machine."""
        self._to = port
        self.port = 0
        self.crossed: list[tuple[str, str, bytes]] = []
        """(transfer syntax, SOP Instance UID, data set) in the order in which they were sent."""
        self.answered: list[tuple[str, str, bytes]] = []
        """Those of them whose sender was told of success, or would have been if it had stayed."""
        self.connections = 0
        self.pause_after = 0
        """Bytes of a sender after which nothing more is passed on until `go_on`; 0: all is."""
        self.paused = asyncio.Event()
        self._resumed = asyncio.Event()
        self._open = 0
        self._closed = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Tap]:
        """Listen on a free port while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def quiet(self) -> None:
        """Wait until every connection so far has been closed by both sides."""
        async with self._closed:
            await asyncio.wait_for(self._closed.wait_for(lambda: not self._open), PATIENCE)

    def go_on(self) -> None:
        """Pass on what was kept back, and all that comes."""
        self.pause_after = 0
        self._resumed.set()

    async def _passed(self, sent: bytearray) -> None:
        if self.pause_after and len(sent) >= self.pause_after:
            self.paused.set()
            await self._resumed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        sent, said = bytearray(), bytearray()
        await asyncio.gather(
            _pass(reader, far_writer, sent, self._passed), _pass(far_reader, writer, said)
        )
        crossed = list(_data_sets(bytes(sent), bytes(said)))
        self.crossed += crossed
        statuses = _statuses(bytes(said))
        self.answered += [
            each for each, status in zip(crossed, statuses, strict=False) if status == 0
        ]
        async with self._closed:
            self._open -= 1
            self._closed.notify_all()


async def _on(_: bytearray) -> None:
    pass


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: bytearray,
    passed: Callable[[bytearray], Awaitable[None]] = _on,
) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            note += piece
            writer.write(piece)
            await writer.drain()
            await passed(note)
    with suppress(OSError):
        writer.close()


def _pdus(stream: bytes) -> Iterable[tuple[int, bytes]]:
    position = 0
    while position + 6 <= len(stream):
        kind, length = unpack_from(">BxI", stream, position)
        yield kind, stream[position + 6 : position + 6 + length]
        position += 6 + length


def _data_sets(sent: bytes, said: bytes) -> Iterable[tuple[str, str, bytes]]:
    syntaxes = next((_accepted(body) for kind, body in _pdus(said) if kind == _ASSOCIATE_AC), {})
    command, data = bytearray(), bytearray()
    for kind, body in _pdus(sent):
        for context, header, fragment in _fragments(body) if kind == _DATA else ():
            if header & 1:
                command += fragment
                continue
            data += fragment
            if header & 2:
                uid = read_command(bytes(command))[_SOP_INSTANCE].decode().strip(" \0")
                yield syntaxes[context], uid, bytes(data)
                command, data = bytearray(), bytearray()


def _statuses(said: bytes) -> Iterable[int]:
    command = bytearray()
    for kind, body in _pdus(said):
        for _, header, fragment in _fragments(body) if kind == _DATA else ():
            command += fragment
            if header & 2:
                values = read_command(bytes(command))
                command.clear()
                if unpack("<H", values[_FIELD]) == (0x8001,):
                    yield unpack("<H", values[_STATUS])[0]


def _fragments(body: bytes) -> Iterable[tuple[int, int, bytes]]:
    position = 0
    while position < len(body):
        length, context, header = unpack_from(">IBB", body, position)
        yield context, header, body[position + 6 : position + 4 + length]
        position += 4 + length


def _accepted(body: bytes) -> dict[int, str]:
    """Return the transfer syntax of each accepted context."""
    found, position = {}, 68
    while position < len(body):
        kind, length = unpack_from(">BxH", body, position)
        if kind == 0x21:
            context, result = unpack_from(">BxB", body, position + 4)
            (size,) = unpack_from(">H", body, position + 10)
            if result == 0:
                found[context] = body[position + 12 : position + 12 + size].decode().strip("\0")
        position += 4 + length
    return found


def read_command(data: bytes) -> dict[int, bytes]:
    """Take a command set apart (PS3.7 6.3.1), by element number."""
    values, position = {}, 0
    while position < len(data):
        _, number, length = unpack_from("<HHI", data, position)
        values[number] = data[position + 8 : position + 8 + length]
        position += 8 + length
    return values


def write_command(values: dict[int, bytes]) -> bytes:
    """Put a command set together, with its group length."""
    body = b"".join(
        pack("<HHI", 0, number, len(padded)) + padded
        for number, value in sorted(values.items())
        for padded in (value + b"\0" * (len(value) % 2),)
    )
    return pack("<HHII", 0, 0, 4, len(body)) + body


class Rejected(Exception):
    """The association was rejected: (result, source, reason), PS3.8 9.3.4."""


class Aborted(Exception):
    """The association was aborted, or the connection closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """The answer to a C-STORE."""

    status: int
    comment: str


@dataclass(kw_only=True, slots=True)
class RawSender:
    """Sends what it is given, without a look at it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    accepted: dict[int, str] = field(default_factory=dict)
    _message: int = 0

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[RawSender]:
        """Connect and, at the end, hang up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader=reader, writer=writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    @classmethod
    @asynccontextmanager
    async def associated(
        cls,
        port: int,
        *,
        classes: Sequence[str] = (CT_IMAGE,),
        syntax: str = EXPLICIT,
        called: str = "ANTEROOM",
        calling: str = "RAW",
    ) -> AsyncIterator[RawSender]:
        """Open an association with one context for each SOP class, and release it at the end."""
        async with cls.connected(port) as sender:
            await sender.associate(classes, syntax, called=called, calling=calling)
            yield sender
            await sender.release()

    async def associate(
        self, classes: Sequence[str], syntax: str, *, called: str, calling: str = "RAW"
    ) -> None:
        """Ask for an association.

        Raises:
            Rejected: it is refused.
            Aborted: there is no answer.
        """
        parts = [_item(0x10, b"1.2.840.10008.3.1.1.1")]
        for number, name in enumerate(classes):
            inner = _item(0x30, name.encode()) + _item(0x40, syntax.encode())
            parts.append(_item(0x20, pack(">BBBB", number * 2 + 1, 0, 0, 0) + inner))
        user = _item(0x51, pack(">I", 0)) + _item(0x52, b"1.2.3.4")
        parts.append(_item(0x50, user))
        names = called.encode().ljust(16) + calling.encode().ljust(16)
        await self.send(_ASSOCIATE_RQ, pack(">HH", 1, 0) + names + bytes(32) + b"".join(parts))
        kind, body = await self.receive()
        if kind == _ASSOCIATE_RJ:
            raise Rejected(*body[1:4])
        if kind != _ASSOCIATE_AC:
            raise Aborted
        self.accepted = _accepted(body)

    async def store(
        self,
        data: bytes,
        *,
        sop_instance: str | bytes,
        sop_class: str = CT_IMAGE,
        context: int = 1,
        piece: int = 16000,
    ) -> Said:
        """Send one object and give the answer.

        Raises:
            Aborted: there is none.
        """
        await self.command(sop_class, sop_instance, context)
        pieces = [data[start : start + piece] for start in range(0, len(data), piece)] or [b""]
        for number, each in enumerate(pieces, 1):
            await self.fragment(context, 2 if number == len(pieces) else 0, each)
        return await self.answer()

    async def store_part(self, data: bytes, *, sop_instance: str) -> None:
        """Send the beginning of an object and break off, by the book's A-ABORT.

        Raises:
            Aborted: always, once the connection is closed.
        """
        await self.command(CT_IMAGE, sop_instance, 1)
        for start in range(0, len(data), 16000):
            await self.fragment(1, 0, data[start : start + 16000])
        await self.send(_ABORT, bytes(4))
        await self.receive()

    async def command(self, sop_class: str, sop_instance: str | bytes, context: int) -> None:
        """Announce an object (PS3.7 9.3.1)."""
        self._message = self._message % 60000 + 1
        uid = sop_instance if isinstance(sop_instance, bytes) else sop_instance.encode()
        command = write_command(
            {
                _SOP_CLASS: sop_class.encode(),
                _FIELD: pack("<H", 1),
                0x0110: pack("<H", self._message),
                0x0700: pack("<H", 0),
                _DATA_TYPE: pack("<H", 1),
                _SOP_INSTANCE: uid,
            }
        )
        await self.fragment(context, 3, command)

    async def answer(self) -> Said:
        """Return the next answer to a C-STORE."""
        kind, body = await self.receive()
        if kind != _DATA:
            raise Aborted
        values = read_command(b"".join(fragment for _, _, fragment in _fragments(body)))
        assert unpack("<H", values[_FIELD]) == (0x8001,)
        comment = values.get(_COMMENT, b"").decode().strip(" \0")
        return Said(status=unpack("<H", values[_STATUS])[0], comment=comment)

    async def fragment(self, context: int, header: int, data: bytes) -> None:
        """Send one fragment in a P-DATA-TF of its own; header: 1 command, 2 last."""
        await self.send(_DATA, pack(">IBB", len(data) + 2, context, header) + data)

    async def release(self) -> None:
        """End the association by the book."""
        await self.send(_RELEASE_RQ, bytes(4))
        kind, _ = await self.receive()
        assert kind == _RELEASE_RP

    async def send(self, kind: int, body: bytes) -> None:
        """Send one PDU."""
        self.writer.write(pack(">BxI", kind, len(body)) + body)
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """Return the next PDU.

        Raises:
            Aborted: there is none, or it is an abort.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                kind, length = unpack(">BxI", await self.reader.readexactly(6))
                body = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Aborted from error
        if kind == _ABORT:
            raise Aborted
        return kind, body


def _item(kind: int, body: bytes) -> bytes:
    return pack(">BxH", kind, len(body)) + body
