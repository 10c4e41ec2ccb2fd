# SPDX-License-Identifier: Apache-2.0
"""What the base classes of the screens leave to each screen, each screen brings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from console.keys.table import SCREENS
from console.screens.base.list import ListScreen
from console.screens.base.screen import BaseScreen
from tests.console.keys.test_table import screen


def left_open(kind: type) -> Iterator[str]:
    """Yield the hooks of a class that end in an error as they are found by name."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        code = found.fget if isinstance(found, property) else found
        if not inspect.isfunction(code) or not code.__module__.startswith("console."):
            continue
        if "raise NotImplementedError" in inspect.getsource(code):
            yield name


def test_hooks_are_found() -> None:
    assert set(left_open(BaseScreen)) == {"content"}
    assert set(left_open(ListScreen)) == {"content", "fetch", "fill_card", "open_key"}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_brings_all_that_is_left_to_it(name: str) -> None:
    assert not list(left_open(screen(name)))
