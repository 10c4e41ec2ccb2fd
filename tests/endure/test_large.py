# SPDX-License-Identifier: Apache-2.0
"""An object of more than 4 GiB, whose length no single element can have: it is stored as it came,
and its bytes are in nobody's memory."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.objects import Template
from bench.sender import stream
from tests.endure.processes import held_by
from tests.line.serving import AE_TITLE, Served

FRAGMENT = 64 << 20
FRAGMENTS = 72
"""So many of them are 4.5 GiB."""
MOST = 300 << 20
"""Bytes of memory that no process of the engine may exceed."""

_PIXELS = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
_ITEM, _END = struct.pack("<HHI", 0xFFFE, 0xE000, FRAGMENT), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


class Large:
    """The bytes of the object, made as they are read."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.digest = hashlib.sha256()

    def __len__(self) -> int:
        return len(self.head) + len(_PIXELS) + 8 + FRAGMENTS * (8 + FRAGMENT) + len(_END)

    def pieces(self) -> Iterator[bytes]:
        """Yield them, and digest them meanwhile."""
        zeros = bytes(1 << 20)
        for piece in self._all(zeros):
            self.digest.update(piece)
            yield piece

    def _all(self, zeros: bytes) -> Iterator[bytes]:
        yield self.head
        yield _PIXELS + struct.pack("<HHI", 0xFFFE, 0xE000, 0)
        for _ in range(FRAGMENTS):
            yield _ITEM
            for _ in range(FRAGMENT >> 20):
                yield zeros
        yield _END


async def test_an_object_above_4_gib_is_stored_and_held_by_nobody(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    served = serve(workers=1, cold=True)
    await served.start()
    (instance,) = Template(16).study(1, 1)
    head = instance.data[: instance.data.rindex(b"\xe0\x7f\x10\x00")]
    large = Large(head)
    before = held_by(served.ready["pid"])
    await asyncio.to_thread(
        stream, "127.0.0.1", served.port, AE_TITLE, instance.sop, large.pieces()
    )
    after = held_by(served.ready["pid"])
    (stored,) = served.prearchive.glob("*/*/SCANS/*/*/*")
    assert stored.stat().st_size > 4 << 30
    assert await asyncio.to_thread(_digest, stored, len(large)) == large.digest.hexdigest()
    assert after.peak < MOST
    tell(
        f"{stored.stat().st_size:,} bytes; the largest process held {before.peak >> 20} -> "
        f"{after.peak >> 20} MiB"
    )
    # Nobody wants it among what tests leave behind.
    stored.unlink()


def _digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        file.seek(path.stat().st_size - size)
        return hashlib.file_digest(file, "sha256").hexdigest()
