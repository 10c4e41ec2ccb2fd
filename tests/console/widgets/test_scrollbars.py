# SPDX-License-Identifier: Apache-2.0
"""Scrollbars for fonts without parts of blocks."""

from __future__ import annotations

import pytest
from rich.segment import Segments

from console.widgets.scrollbars import WholeCells


def drawn(bar: Segments) -> list[str]:
    return [segment.text for segment in bar.segments]


@pytest.mark.parametrize("vertical", [True, False])
@pytest.mark.parametrize("position", [0.0, 3.3, 17.9, 60.0])
def test_no_part_of_a_cell_is_drawn(vertical: bool, position: float) -> None:
    bar = WholeCells.render_bar(20, 80, 20, position, vertical=vertical)
    assert set(drawn(bar)) <= {" ", "\n"}
    thumb = [one for one in bar.segments if one.style is not None and one.style.reverse]
    assert 0 < len(thumb) <= 6
