# SPDX-License-Identifier: Apache-2.0
"""What is in two sessions, side by side."""

from __future__ import annotations

from typing import Protocol

from engine.model.comparison import STORED, Comparison, Part


class ComparisonApi(Protocol):
    """Sessions that wait or are filed: accession IDs, prearchive ids, or what else names one."""

    async def headers(
        self, left: str, right: str, left_part: Part = STORED, right_part: Part = STORED
    ) -> Comparison:
        """Return what differs between the headers of two sessions, scans or files, or between two
        versions of one: as received, as stored, as the project's script will leave it."""
        ...
