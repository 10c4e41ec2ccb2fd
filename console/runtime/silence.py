# SPDX-License-Identifier: Apache-2.0
"""Reporting, on stderr where no screen is open, that an engine is connected but does not answer."""

from __future__ import annotations

import sys

from console.views.text import plain_text
from engine.model.errors import Unavailable


def still_silent(_asked: str, error: Unavailable) -> None:
    """Say, while a call waits, that the engine does not answer."""
    line = f"{error.message}; {error.hint} (ctrl+c leaves)"
    sys.stderr.write(f"anteroom: {plain_text(line)}\n")
    sys.stderr.flush()
