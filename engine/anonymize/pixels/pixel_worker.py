# SPDX-License-Identifier: Apache-2.0
"""The helper process of the pixel guard: changes the pixels of a file and reports the result. Only
the server of the sandbox imports this module, by its name."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.blanking import blank_file
from engine.anonymize.pixels.guard import NO_FILE
from engine.anonymize.pixels.regions import asked_in
from engine.sandbox.protocol import FAILED, Answer, reason


class Worker:
    """Alters pixels."""

    def run(self, request: dict[str, Any]) -> Answer:
        """Write a file with other pixels."""
        done = blank_file(
            Path(request["source"]),
            Path(request["target"]),
            [asked_in(numbers) for numbers in request["asked"]],
            record=request["record"],
        )
        told = {
            "changed": done.changed,
            "transfer_syntax": done.transfer_syntax,
            "frames": done.frames,
            "notes": done.notes,
        }
        return Answer(body=json.dumps(told).encode("ascii"))

    def fault(self, error: Exception) -> Answer:
        """Tell why pixels cannot be altered."""
        if isinstance(error, ScriptError):
            return _failed(error.message, error.hint)
        if isinstance(error, OSError):
            return Answer(status=NO_FILE, number=error.errno or errno.EIO)
        return _failed(f"alterPixels: the pixels cannot be altered ({reason(error)})")


def _failed(message: str, hint: str = "") -> Answer:
    body = json.dumps({"message": message, "hint": hint}).encode("ascii")
    return Answer(status=FAILED, body=body)
