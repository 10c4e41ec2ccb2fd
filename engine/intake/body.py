# SPDX-License-Identifier: Apache-2.0
"""The staged file of one object while its bytes arrive, with the received head or an edited one.
The received object can always be written again."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dicom.edit import Piece
from engine.dicom.header import Header
from engine.intake.tail import TailSplitter
from engine.storage.staging import StagedFile


class Body:
    """Of one object; used by one thread."""

    def __init__(
        self,
        file: StagedFile,
        *,
        start: Sequence[Piece],
        rest: Sequence[memoryview],
        head: Header | None = None,
        limit: int = 0,
    ) -> None:
        """Write `start` and what there is of the rest, in one call. `head` is the one that was
        received, where `start` holds another. With a `limit` what follows the pixels is not
        written, up to so many bytes.

        Raises:
            OSError: if they cannot be written; the file is gone then.
        """
        self.file = file
        self.head = head
        self.lost = False
        """Whether it cannot be told what follows the pixels; then it is written as it came."""
        # Many small pieces cost a kernel more than one copy of them.
        whole = b"".join(start)
        self._start = len(whole)
        self._passed = 0
        """Bytes of the rest that are written as they came."""
        self._tail: bytearray | None = None
        self._splitter: TailSplitter | None = None
        if head is not None and limit:
            self._splitter = TailSplitter(explicit=head.explicit, limit=limit)
        try:
            self._write((whole,), rest)
        except BaseException:
            file.discard()
            raise

    def behind_head(self, end: int) -> bytes:
        """Return the begin of what follows the head that was received, as far as it is written;
        `end` is where that head ended.

        Raises:
            OSError: if it cannot be read.
        """
        return self.file.peek(self._start + (end if self.head is None else 0), 8)

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Append the next bytes.

        Raises:
            OSError: if they cannot be written.
        """
        self._write((), chunks)

    def finish(self) -> bytearray | None:
        """End; return what follows the pixels where it is not written, once.

        Raises:
            OSError: if the last bytes cannot be written.
        """
        splitter, self._splitter = self._splitter, None
        if splitter is None:
            return None
        left = splitter.close()
        self.file.write(left)
        self._passed += sum(map(len, left))
        self.lost = splitter.lost
        self._tail = splitter.tail
        return self._tail

    def received(self, file: StagedFile, start: bytes) -> Body:
        """Write what was received to another file, after `start`.

        Raises:
            OSError: if it cannot be written; the other file is gone then.
        """
        assert self.head is not None
        head = memoryview(self.head.data)[: self.head.end]
        again = Body(file, start=(start,), rest=(head,))
        try:
            file.copy(self.file, self._start, self._start + self._passed)
            if self._tail is not None:
                file.write((self._tail,))
        except BaseException:
            file.discard()
            raise
        return again

    def _write(self, start: Sequence[Piece], chunks: Sequence[memoryview]) -> None:
        if self._splitter is None:
            self.file.write((*start, *chunks))
            self._passed += sum(map(len, chunks))
            return
        through = self._splitter.split(chunks)
        self.file.write((*start, *through))
        self._passed += sum(map(len, through))
