# SPDX-License-Identifier: Apache-2.0
"""How often somebody may do what is bounded."""

from __future__ import annotations

import pytest

from engine.model.errors import Refused
from engine.service.pace import Pace


def test_each_has_a_pace_of_their_own_and_it_comes_back() -> None:
    now = [1000.0]
    pace = Pace(3, 600.0, clock=lambda: now[0])
    for _ in range(3):
        pace.ask("ada")
        now[0] += 60.0
    for _ in range(2):
        with pytest.raises(Refused, match="3 times") as refused:
            pace.ask("ada")
        assert refused.value.hint == "try again in 420 seconds"
    pace.ask("bob")
    now[0] = 1600.0
    pace.ask("ada")
    with pytest.raises(Refused):
        pace.ask("ada")
