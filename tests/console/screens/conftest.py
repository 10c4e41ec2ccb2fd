# SPDX-License-Identifier: Apache-2.0
"""Tests of screens wait for what a key begins, not for a cursor to rest; but a text that they type
is one text."""

from __future__ import annotations

import pytest

from tests.console.piloting import RESTS, TIMERS, TYPING


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let screens wait for nothing but the end of the typing."""
    for timer in {*TIMERS, *RESTS} - {*TYPING}:
        monkeypatch.setattr(timer, 0.001)
