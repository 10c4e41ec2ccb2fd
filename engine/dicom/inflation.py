# SPDX-License-Identifier: Apache-2.0
"""Inflates deflated data sets (PS3.5 A.5) piece by piece: a small one may inflate to a thousand
times its size, which is never in memory at once. The content is not interpreted here."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

MOST_INFLATED = 1 << 30
"""Bytes that a whole data set may have inflated. They are on disk meanwhile; deflating is meant for
reports and structures, and images that large come compressed by other means."""
_PIECE = 1 << 20


class NotInflated(Exception):
    """A deflated data set that cannot be inflated; `reason` is a sentence without values."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def pieces(source: BinaryIO) -> Iterator[bytes]:
    """Yield what is inflated from where a file stands to the end of the stream, in pieces of at
    most 1 MiB.

    Raises:
        OSError: if the file cannot be read.
        NotInflated: if it is damaged, or ends before its stream.
    """
    # Negative: a raw deflate stream (RFC 1951), without zlib's header and checksum (PS3.5 A.5).
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflate.eof:
        deflated = inflate.unconsumed_tail or source.read(_PIECE)
        try:
            piece = inflate.decompress(deflated, _PIECE)
        except zlib.error:
            raise NotInflated("the deflated data set is damaged") from None
        # No output is not the end: the start of a block may give none. No output without input is.
        if piece:
            yield piece
        elif not deflated:
            raise NotInflated("the deflated data set ends too early")


def inflate_to(target: BinaryIO, source: BinaryIO, *, most: int | None = None) -> None:
    """Write what is inflated from where a file stands to another file.

    Raises:
        OSError: if a file cannot be read or written.
        NotInflated: as `pieces`, and if it is more than `most` bytes (`MOST_INFLATED`).
    """
    most = MOST_INFLATED if most is None else most
    size = 0
    for piece in pieces(source):
        size += len(piece)
        if size > most:
            raise NotInflated(f"the deflated data set holds more than {most >> 20:,} MiB")
        target.write(piece)
