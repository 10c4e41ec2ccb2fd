# SPDX-License-Identifier: Apache-2.0
"""The head of one object while its bytes arrive: collected in memory until it is complete and
indexed, or until it is known that it cannot be indexed here."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dicom.header import Header, HeaderError, HeaderReader
from engine.dicom.part10 import NOT_WALKED, is_explicit

_LONGEST_BLIND = 64 * 1024
"""Bytes held of a data set that cannot be walked."""
_STEP = 16 * 1024
"""Bytes taken at once at first; most heads are shorter."""


class Head:
    """Of one data set; used by one thread."""

    __slots__ = ("_limit", "_reader", "_whole", "data", "header")

    def __init__(self, transfer_syntax: str, *, limit: int) -> None:
        """Begin with no bytes; a head of more than `limit` bytes is not indexed."""
        self.data = bytearray()
        self.header: Header | None = None
        """Points into `data`, to which nothing is added any more."""
        self._limit = limit
        self._whole = False
        self._reader: HeaderReader | None = None
        if transfer_syntax not in NOT_WALKED:
            self._reader = HeaderReader(is_explicit(transfer_syntax), limit)

    @property
    def is_large(self) -> bool:
        """Whether it is not indexed because it is larger than allowed."""
        return self._reader is not None and self._reader.needs > self._limit

    def take(self, chunks: Sequence[memoryview]) -> list[memoryview]:
        """Add the next bytes until no more are wanted; return those that are not: what is copied
        here is little more than the head, however much comes at once."""
        for number, chunk in enumerate(chunks):
            left = chunk
            while left:
                # Twice as much each time, so that a long head is not looked at again and again.
                step = max(_STEP, len(self.data))
                self.data += left[:step]
                left = left[step:]
                if self.advance(final=False):
                    return [left, *chunks[number + 1 :]]
        return []

    def advance(self, *, final: bool) -> bool:
        """Index what is there; say whether no more is wanted. There is no header then where it
        cannot be indexed exactly. `final`: no more will come."""
        if not self._whole:
            self._whole = self._index(final=final)
        return self._whole

    def _index(self, *, final: bool) -> bool:
        reader = self._reader
        if reader is None:
            return final or len(self.data) >= _LONGEST_BLIND
        try:
            if not reader.advance(self.data, final=final):
                return False
            self.header = reader.header(self.data)
        except HeaderError:
            pass
        return True
