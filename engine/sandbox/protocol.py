# SPDX-License-Identifier: Apache-2.0
"""The messages between client and server of a sandbox: a request is a line of JSON, an answer a
header of fixed size and a body. Nothing that parses is imported: the limits come first."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Protocol

ANSWER = struct.Struct("<BQI")
"""Status, number, and length of the body."""
GREETING = b"ready\n"
DONE, FAILED, SPENT = 0, 1, 2
"""Statuses of answers. `SPENT` is that of a helper that still answers, but whose memory or stack
had run out: it is started anew. Workers may have more of their own."""
TOO_MUCH_MEMORY = "more memory is needed than allowed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a request."""

    status: int = DONE
    number: int = 0
    body: bytes = b""


class Worker(Protocol):
    """What a worker module holds under the name `Worker`; one is made for each process."""

    def run(self, request: dict[str, Any]) -> Answer:
        """Do the work; whatever is raised is told by `fault`."""
        ...

    def fault(self, error: Exception) -> Answer:
        """Tell of an error without anything from the bytes that led to it. Where memory or stack
        had run out the server makes the status `SPENT`."""
        ...


def is_spent(error: Exception) -> bool:
    """Whether memory or stack had run out."""
    return isinstance(error, MemoryError | RecursionError)


def reason(error: Exception) -> str:
    """Name an error in few words, without what it says."""
    return TOO_MUCH_MEMORY if is_spent(error) else type(error).__name__
