# SPDX-License-Identifier: Apache-2.0
"""An intake over a real folder, and the guarded helper it shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dicom.guard import Guard
from tests.engine.intake.room import (
    Room,
)


@pytest.fixture
def room(tmp_path: Path, guard: Guard) -> Iterator[Room]:
    made = Room(tmp_path, guard)
    yield made
    made.journal.close()
    made.intake.close()
