# SPDX-License-Identifier: Apache-2.0
"""Engines as the end-to-end tests have them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.line.conftest import serve, warm

__all__ = ["serve", "tell", "warm"]


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tells the figures of a run to who started it."""

    def say(text: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return say
