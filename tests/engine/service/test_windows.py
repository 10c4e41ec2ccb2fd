# SPDX-License-Identifier: Apache-2.0
"""What one question may be answered with."""

from __future__ import annotations

from engine.model.archive import Window
from engine.service.windows import MOST_FILES, MOST_ROWS, limited, window


def test_a_window_within_the_limits_is_given_as_asked_for() -> None:
    assert window(20, 10) == Window(offset=20, limit=10)
    assert limited(10) == 10


def test_a_window_beyond_the_limits_is_brought_within_them() -> None:
    assert window(-1, 10**9) == Window(offset=0, limit=MOST_ROWS)
    assert window(0, 10**9, MOST_FILES) == Window(offset=0, limit=MOST_FILES)
    # A negative limit means no limit to some databases.
    assert limited(-1) == 0
