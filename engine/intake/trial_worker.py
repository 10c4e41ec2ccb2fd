# SPDX-License-Identifier: Apache-2.0
"""The helper process in which scripts are tried: answers with what one would do. Only the server of
the sandbox imports this module, by its name."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from engine.dicom.guard import Guard
from engine.intake.trial import TrialWork, run
from engine.model.errors import InvalidInput
from engine.sandbox.protocol import FAILED, Answer, reason

GONE = 1
"""The number of an answer where the folder is not there."""


class Worker:
    """Tries scripts."""

    def __init__(self) -> None:
        """Begin with the guard that reads odd heads."""
        self._guard = Guard()

    def run(self, request: dict[str, Any]) -> Answer:
        """Try a script over files."""
        told = run(msgspec.convert(request, TrialWork), self._guard)
        # Not by msgspec alone: a lone surrogate, which a value may hold, is no JSON to it.
        return Answer(body=json.dumps(msgspec.to_builtins(told)).encode("ascii"))

    def fault(self, error: Exception) -> Answer:
        """Tell why it could not be tried."""
        if isinstance(error, FileNotFoundError):
            return Answer(status=FAILED, number=GONE)
        said = error.message if isinstance(error, InvalidInput) else reason(error)
        return Answer(status=FAILED, body=f"the script cannot be tried ({said})".encode())
