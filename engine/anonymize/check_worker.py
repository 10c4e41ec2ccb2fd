# SPDX-License-Identifier: Apache-2.0
"""The helper process of the guard of checks: answers with what there is to say about a script. Only
the server of the sandbox imports this module, by its name."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from engine.anonymize.language.check import check
from engine.anonymize.language.lookups import read_table
from engine.sandbox.protocol import FAILED, Answer, reason


class Worker:
    """Checks scripts."""

    def run(self, request: dict[str, Any]) -> Answer:
        """Check a script and its lookup table."""
        _, of_table = read_table(request["lookups"])
        told = msgspec.to_builtins((check(request["text"]), of_table))
        return Answer(body=json.dumps(told).encode("ascii"))

    def fault(self, error: Exception) -> Answer:
        """Tell why it cannot be checked."""
        return Answer(status=FAILED, body=reason(error).encode())
