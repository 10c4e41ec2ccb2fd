# SPDX-License-Identifier: Apache-2.0
"""Journal records becoming rows: that there is a place for each outcome. What they become is tested
where the engine uses it: `tests/engine/service/test_reception.py` and
`tests/engine/jobs/test_accounts.py`."""

from __future__ import annotations

from engine.ingest.posting import PLACES
from engine.intake.journal import Outcome


def test_each_outcome_has_its_place_in_the_accounts() -> None:
    assert PLACES.keys() == set(Outcome)
