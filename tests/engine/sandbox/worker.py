# SPDX-License-Identifier: Apache-2.0
"""A worker that does as it is told: each request names what is to happen in the helper process."""

from __future__ import annotations

import mmap
import os
import resource
from pathlib import Path
from typing import Any

from engine.sandbox.protocol import FAILED, Answer, reason

CORE = resource.getrlimit(resource.RLIMIT_CORE)
MEMORY, _ = resource.getrlimit(resource.RLIMIT_AS)
LARGEST_FILE, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
"""The limits as they were when this module was imported."""


class Worker:
    """Does one thing a request."""

    def __init__(self) -> None:
        """Begin with no requests."""
        self._asked = 0

    def run(self, request: dict[str, Any]) -> Answer:
        """Do what is asked."""
        self._asked += 1
        body: object = getattr(self, request["do"])(request)
        return Answer(status=request.get("status", 0), number=self._asked, body=str(body).encode())

    def fault(self, error: Exception) -> Answer:
        """Tell of an error."""
        return Answer(status=FAILED, body=reason(error).encode())

    def limits(self, request: dict[str, Any]) -> object:
        """Say under which limits this module was imported."""
        return [*CORE, MEMORY, LARGEST_FILE]

    def environment(self, request: dict[str, Any]) -> object:
        """Name what is handed down."""
        return sorted(os.environ)

    def echo(self, request: dict[str, Any]) -> object:
        """Say something back."""
        return request["said"]

    def take(self, request: dict[str, Any]) -> object:
        """Use memory."""
        return len(bytearray(request["bytes"]))

    def look(self, request: dict[str, Any]) -> object:
        """Map a file."""
        with Path(request["path"]).open("rb") as file:
            return len(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))

    def write(self, request: dict[str, Any]) -> object:
        """Write a file."""
        return Path(request["path"]).write_bytes(bytes(request["bytes"]))

    def dive(self, request: dict[str, Any]) -> object:
        """Use the stack up."""
        return self.dive(request)

    def spin(self, request: dict[str, Any]) -> object:
        """Compute without end."""
        while True:
            pass

    def end(self, request: dict[str, Any]) -> object:
        """End without an answer."""
        os._exit(0)
