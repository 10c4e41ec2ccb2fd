# SPDX-License-Identifier: Apache-2.0
"""The guard: headers that cannot be indexed exactly in place are read by pydicom in a helper
process with limits on time and memory, which may die without affecting anything else. This is the
calling side; `engine.dicom.header_worker` reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.dicom.walk import MAX_HEADER
from engine.sandbox.client import GIB, PATIENCE, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

CONTRARY = 3
"""The status of a head that was read, but is in Implicit VR where Explicit VR was said."""


class Unreadable(Exception):
    """A header that cannot be read; `reason` is a sentence without anything from the object."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class NormalHead:
    """A head as Explicit VR Little Endian; `end` is where it ended in the data set as it was, in
    bytes from the start of the data set (inflated, where it was deflated)."""

    data: bytes
    end: int
    contrary: bool = False
    """Whether elements are in Implicit VR where Explicit VR was said: nobody else may be able to
    read the object, and a part of it must not be written anew."""


class Guard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 10,
        patience: float = PATIENCE,
        memory: int = GIB,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each head so many seconds of processor time, and the process so many bytes of
        address space; for `patience` see `Sandbox`."""
        self._sandbox = Sandbox(
            "engine.dicom.header_worker",
            seconds=seconds,
            patience=patience,
            memory=memory,
            longest=MAX_HEADER,
            command=command,
        )

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        return self._sandbox.pid

    def normalise(self, path: Path, transfer_syntax: str, dataset_offset: int) -> bytes:
        """Return the head (before group 7FE0) of a file as Explicit VR Little Endian. Bulk values
        of more than 64 KiB are left out.

        Raises:
            Unreadable: if it cannot be read within the limits.
        """
        return self.head(path, transfer_syntax, dataset_offset).data

    def head(self, path: Path, transfer_syntax: str, dataset_offset: int) -> NormalHead:
        """As `normalise`, with where the head ended.

        Raises:
            Unreadable: if it cannot be read within the limits.
        """
        work = {
            "path": os.path.abspath(path),
            "transfer_syntax": transfer_syntax,
            "dataset_offset": dataset_offset,
        }
        try:
            answer = self._sandbox.ask(work, doing="reading the header")
        except NoAnswer as error:
            raise Unreadable(error.reason) from None
        if answer.status not in (DONE, CONTRARY):
            raise Unreadable(answer.body.decode("utf-8", "replace"))
        return NormalHead(data=answer.body, end=answer.number, contrary=answer.status == CONTRARY)

    def close(self) -> None:
        """End the helper; nothing more can be asked."""
        self._sandbox.close()
