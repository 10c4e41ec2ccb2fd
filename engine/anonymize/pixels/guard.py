# SPDX-License-Identifier: Apache-2.0
"""Runs `blank_file` in a helper process with limits on time and memory, which may die without
affecting anything else. This is the calling side; the work is done in
`engine.anonymize.pixels.pixel_worker`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.regions import Asked, Blanked, numbers_of
from engine.dicom.walk import MAX_HEADER
from engine.sandbox.client import GIB, PATIENCE, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

NO_FILE = 3
"""The status of an answer that is an error of the file system."""
_LARGEST = 64 * GIB
_MIB = 1024 * 1024


class PixelGuard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 60,
        patience: float = PATIENCE,
        memory: int = 3 * GIB,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each file so many seconds of processor time and one more for each MiB, and the
        process so many bytes of address space; for `patience` see `Sandbox`."""
        self._seconds = seconds
        self._sandbox = Sandbox(
            "engine.anonymize.pixels.pixel_worker",
            seconds=seconds,
            patience=patience,
            memory=memory,
            largest_file=_LARGEST,
            longest=MAX_HEADER,
            command=command,
        )

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        return self._sandbox.pid

    def blank_file(
        self, source: Path, target: Path, asked: Sequence[Asked], *, record: bool = True
    ) -> Blanked:
        """Do what `engine.anonymize.pixels.blanking.blank_file` does, within the limits.

        Raises:
            ScriptError: if it cannot be done for sure.
            OSError: if a file cannot be read or written.
        """
        if target.exists():
            raise FileExistsError(f"{target.name} exists")
        seconds = self._seconds + source.stat().st_size / _MIB
        request = {
            "source": os.path.abspath(source),
            "target": os.path.abspath(target),
            "asked": [numbers_of(each) for each in asked],
            "record": record,
        }
        try:
            told = self._sandbox.ask(request, doing="altering the pixels", seconds=seconds)
        except NoAnswer as error:
            target.unlink(missing_ok=True)
            raise ScriptError(f"alterPixels: {error.reason}") from None
        if told.status == NO_FILE:
            raise OSError(told.number, os.strerror(told.number))
        answer = json.loads(told.body)
        if told.status != DONE:
            target.unlink(missing_ok=True)
            raise ScriptError(answer["message"], hint=answer["hint"])
        return Blanked(
            changed=answer["changed"],
            transfer_syntax=answer["transfer_syntax"],
            frames=answer["frames"],
            notes=tuple(answer["notes"]),
        )

    def interrupt(self) -> None:
        """End the helper whatever it is at: who waits for its answer gets none."""
        self._sandbox.interrupt()

    def close(self) -> None:
        """End the helper; nothing more can be asked."""
        self._sandbox.close()
