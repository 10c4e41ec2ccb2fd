# SPDX-License-Identifier: Apache-2.0
"""When a script makes a sample worse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.model.changes import ScriptOutcome
from engine.model.samples import Sample, SampleResult

SAMPLE = Sample(
    scope="site",
    name="pt-ct",
    session="A1",
    file="SCANS/1/DICOM/1.dcm",
    outcome=ScriptOutcome.CHANGED,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    author="ak",
)
CHANGED, ERROR = ScriptOutcome.CHANGED, ScriptOutcome.ERROR


@pytest.mark.parametrize(
    ("tried", "active", "is_worse"),
    [
        (CHANGED, CHANGED, False),
        (ERROR, CHANGED, True),
        (ERROR, None, True),
        (ERROR, ERROR, False),
        (CHANGED, ERROR, False),
        (None, CHANGED, False),
    ],
)
def test_worse_is_what_was_as_expected_and_is_no_more(
    tried: ScriptOutcome | None, active: ScriptOutcome | None, is_worse: bool
) -> None:
    result = SampleResult(sample=SAMPLE, tried=tried, active=active)
    assert result.is_worse is is_worse
