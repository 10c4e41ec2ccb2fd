# SPDX-License-Identifier: Apache-2.0
"""Checks scripts in a helper process with limits on time and memory: whatever somebody types, a
check that does not end, or takes all memory, ends alone. This is the calling side; the work is done
in `engine.anonymize.check_worker`."""

from __future__ import annotations

import json

import msgspec

from engine.model.remarks import Remark
from engine.sandbox.client import GIB, PATIENCE, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

_LONGEST = 16 * 1024 * 1024

_GAVE_UP = "{reason}: it cannot be saved like this; take away what was written last"

Remarks = tuple[Remark, ...]


class CheckGuard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 5,
        patience: float = PATIENCE,
        memory: int = GIB,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each check so many seconds of processor time, and the process so many bytes of
        address space; for `patience` see `Sandbox`."""
        self._sandbox = Sandbox(
            "engine.anonymize.check_worker",
            seconds=seconds,
            patience=patience,
            memory=memory,
            longest=_LONGEST,
            command=command,
        )

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        return self._sandbox.pid

    def check(self, text: str, lookups: str = "") -> tuple[Remarks, Remarks]:
        """Say everything about a script, and about its lookup table. A check that was stopped is
        an error at the begin of the script."""
        work = {"text": text, "lookups": lookups}
        try:
            answer = self._sandbox.ask(work, doing="checking")
        except NoAnswer as error:
            return _stopped(error.reason), ()
        if answer.status != DONE:
            return _stopped(answer.body.decode("utf-8", "replace")), ()
        # Not by msgspec alone: a lone surrogate, which a remark may quote, is no JSON to it.
        return msgspec.convert(json.loads(answer.body), type=tuple[Remarks, Remarks])

    def close(self) -> None:
        """End the helper; nothing more can be checked."""
        self._sandbox.close()


def _stopped(reason: str) -> Remarks:
    return (Remark(message=_GAVE_UP.format(reason=reason), line=1, column=1),)
