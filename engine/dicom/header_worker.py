# SPDX-License-Identifier: Apache-2.0
"""The helper process of the guard: answers with a head in Explicit VR Little Endian, or with a
reason. Only the server of the sandbox imports this module, by its name."""

from __future__ import annotations

from typing import Any

from engine.dicom.guard import CONTRARY, Unreadable
from engine.dicom.normal import normal_head
from engine.sandbox.protocol import DONE, FAILED, Answer

_REASONS = {
    "MemoryError": "reading the header takes more memory than allowed",
    "RecursionError": "sequences are nested too deeply",
    "EOFError": "the data set ends within an element",
}


class Worker:
    """Reads heads."""

    def run(self, request: dict[str, Any]) -> Answer:
        """Read the head of a file."""
        data, end, contrary = normal_head(
            request["path"], request["transfer_syntax"], request["dataset_offset"]
        )
        return Answer(status=CONTRARY if contrary else DONE, number=end, body=data)

    def fault(self, error: Exception) -> Answer:
        """Tell why a head cannot be read."""
        if isinstance(error, Unreadable):
            return Answer(status=FAILED, body=error.reason.encode())
        name = type(error).__name__
        if isinstance(error, OSError) and error.errno is None:
            name = "EOFError"  # pydicom says so of data that end, not of a disk that fails
        reason = _REASONS.get(name, f"the header cannot be read ({name})")
        return Answer(status=FAILED, body=reason.encode())
