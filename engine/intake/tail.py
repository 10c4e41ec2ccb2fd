# SPDX-License-Identifier: Apache-2.0
"""What follows the head of a streaming object: the pixels, which are passed on, and the elements
after them, which are kept until the outcome of the object is decided."""

from __future__ import annotations

from collections.abc import Iterable

from engine.dicom.walk import LONG_VRS, PIXEL_GROUP, UNDEFINED

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_HEAD, _LONG_HEAD = 8, 12

Chunk = bytes | bytearray | memoryview


class TailSplitter:
    """Tells pixels from what comes after them, however the bytes are cut. Nothing but lengths is
    looked at; where they make no sense, or too much comes after the pixels, `lost` says so and
    everything is passed on."""

    __slots__ = ("_explicit", "_fragments", "_left", "_limit", "_pending", "lost", "tail")

    def __init__(self, *, explicit: bool, limit: int) -> None:
        """Begin where the head ends; keep at most `limit` bytes."""
        self._explicit = explicit
        self._limit = limit
        self._left = 0
        """Bytes of a value still to come."""
        self._pending = bytearray()
        """The begin of an element or fragment, not yet whole."""
        self._fragments = False
        self.tail: bytearray | None = None
        """What follows the pixels; None where nothing does."""
        self.lost = False

    def split(self, chunks: Iterable[memoryview]) -> list[Chunk]:
        """Take the next bytes; return those that are to be written now."""
        out: list[Chunk] = []
        for chunk in chunks:
            self._one(chunk, out)
        return out

    def close(self) -> list[Chunk]:
        """End; return what was kept for more that never came."""
        pending, self._pending = self._pending, bytearray()
        return [pending] if pending else []

    def _one(self, chunk: memoryview, out: list[Chunk]) -> None:
        position, size = 0, len(chunk)
        # Up to here the chunk is written, kept, or in `_pending`.
        passed = 0
        while position < size:
            if self.lost:
                break
            if self.tail is not None:
                if passed < position:
                    out.append(chunk[passed:position])
                self._keep(chunk[position:], out)
                return
            if self._left:
                step = min(self._left, size - position)
                self._left -= step
                position += step
                continue
            pending = self._pending
            if not pending and passed < position:
                out.append(chunk[passed:position])
                passed = position
            # Asked twice: whether a head has 8 or 12 bytes is known only from its first 8.
            wanted = self._wanted()
            piece = chunk[position : position + wanted - len(pending)]
            pending += piece
            position += len(piece)
            passed = position
            if len(pending) >= self._wanted():
                self._begin(out)
        if passed < size:
            out.append(chunk[passed:])

    def _wanted(self) -> int:
        pending = self._pending
        long = self._explicit and not self._fragments and len(pending) >= _HEAD
        return _LONG_HEAD if long and bytes(pending[4:6]) in LONG_VRS else _HEAD

    def _begin(self, out: list[Chunk]) -> None:
        """Read the begin of an element or fragment that is whole now."""
        head, self._pending = self._pending, bytearray()
        group = int.from_bytes(head[:2], "little")
        if not self._fragments and group > PIXEL_GROUP:
            self.tail = bytearray()
            self._keep(head, out)
            return
        out.append(head)
        tag = group << 16 | int.from_bytes(head[2:4], "little")
        if not self._fragments and self._explicit and len(head) == _HEAD:
            length = int.from_bytes(head[6:8], "little")
        else:
            length = int.from_bytes(head[-4:], "little")
        if self._fragments:
            if tag == _SEQUENCE_END:
                self._fragments = False
                self.lost = length != 0
            elif tag == _ITEM and length != UNDEFINED:
                self._left = length
            else:
                self.lost = True
        # A group below 7FE0 cannot follow the head: the lengths so far were not what they seemed.
        elif group != PIXEL_GROUP:
            self.lost = True
        elif length == UNDEFINED:
            self._fragments = True
        else:
            self._left = length

    def _keep(self, data: Chunk, out: list[Chunk]) -> None:
        assert self.tail is not None
        if len(self.tail) + len(data) <= self._limit:
            self.tail += data
            return
        # It goes to the file as it came; a reader of the file has to check it again.
        self.lost = True
        out += [self.tail, data]
        self.tail = None
