# SPDX-License-Identifier: Apache-2.0
"""Every wrong byte at every offset of a conversation about one object, of which `make test` takes a
few: what was answered with success is kept as it was sent, and of nothing else anything is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.dicom.guard import Guard
from tests.engine.receiver.segmented import Conversations
from tests.engine.receiver.test_every_offset import (
    DAMAGED,
    SHIFTED,
    conversations,
    hold_damaged,
    replaced,
)

__all__ = ["conversations"]

VALUES = 8
"""Values that share a home."""


@pytest.fixture
def guard() -> Iterator[Guard]:
    """The helper for heads."""
    made = Guard()
    yield made
    made.close()


@pytest.mark.parametrize("first", range(0, 256, VALUES))
def test_every_byte_at_every_offset(conversations: Conversations, first: int) -> None:
    for value in range(first, first + VALUES):
        hold_damaged(conversations, replaced(value), range(DAMAGED))


@pytest.mark.parametrize("garbage", SHIFTED)
def test_bytes_missing_or_too_many_at_every_offset(
    conversations: Conversations, tell: Callable[[str], None], garbage: str
) -> None:
    answered = hold_damaged(conversations, SHIFTED[garbage], range(DAMAGED))
    tell(f"{garbage}: {DAMAGED} conversations, {answered} objects kept")
