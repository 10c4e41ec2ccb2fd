# SPDX-License-Identifier: Apache-2.0
"""Tries scripts in a helper process with limits on time and memory: whatever somebody types, a
script that loops or explodes is stopped alone. This is the calling side; the work is done in
`engine.intake.trial_worker`."""

from __future__ import annotations

import json

import msgspec

from engine.intake.trial import TrialWork
from engine.model.trials import Trial
from engine.sandbox.client import GIB, PATIENCE, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

_LONGEST = 64 * 1024 * 1024
_GONE = 1
"""As `engine.intake.trial_worker.GONE`."""


class TrialGuard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 20,
        patience: float = PATIENCE,
        memory: int = 2 * GIB,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each trial so many seconds of processor time, and the process so many bytes of
        address space; for `patience` see `Sandbox`."""
        self._sandbox = Sandbox(
            "engine.intake.trial_worker",
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

    def run(self, work: TrialWork) -> Trial:
        """Try a script; one that was stopped is told as that.

        Raises:
            FileNotFoundError: if the folder is not there.
        """
        request = msgspec.to_builtins(work)
        try:
            answer = self._sandbox.ask(request, doing="the script")
        except NoAnswer as error:
            return _stopped(work, error.reason)
        if answer.status == DONE:
            return msgspec.convert(json.loads(answer.body), type=Trial)
        if answer.number == _GONE:
            raise FileNotFoundError(work.folder)
        return _stopped(work, answer.body.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the helper; nothing more can be tried."""
        self._sandbox.close()


def _stopped(work: TrialWork, reason: str) -> Trial:
    version = 0 if work.active is None else work.active.version
    return Trial(scope=work.draft.scope, version=version, files=work.total, stopped=reason)
