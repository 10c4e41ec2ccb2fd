# SPDX-License-Identifier: Apache-2.0
"""What the console costs, counted: regions that are painted again, bytes that they take on the way
to the terminal, and questions to the engine. No clock is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.geometry import Region

from engine.service.api import NOUNS, EngineApi


@dataclass
class Painting:
    """What was sent to the terminal while it was counted."""

    regions: list[Region] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """How many bytes that is."""
        return sum(len(text.encode()) for text in self.texts)

    @property
    def lines(self) -> int:
        """How many lines of regions were painted again."""
        return sum(region.height for region in self.regions)


@contextmanager
def painting(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Painting]:
    """Count what the screen on show sends to the terminal."""
    found, compositor = Painting(), app.screen._compositor
    render = compositor.render_update

    def noted(**options: Any) -> Any:
        found.regions.extend(compositor._dirty_regions)
        update = render(**options)
        if update is not None:
            found.texts.append(update.render_segments(app.console))
        return update

    with monkeypatch.context() as patch:
        patch.setattr(compositor, "render_update", noted)
        yield found


class Asked:
    """An engine that counts what it is asked."""

    def __init__(self, engine: EngineApi) -> None:
        self.count: Counter[str] = Counter()
        for noun in NOUNS:
            setattr(self, noun, _Noun(noun, getattr(engine, noun), self.count))

    def forget(self) -> None:
        """Begin to count anew."""
        self.count.clear()

    @property
    def questions(self) -> Counter[str]:
        """What was asked, but for the questions that every console repeats."""
        repeated = ("events.after", "system.status", "people.who_am_i")
        return Counter({verb: n for verb, n in self.count.items() if verb not in repeated})


class _Noun:
    def __init__(self, name: str, asked: Any, count: Counter[str]) -> None:
        self._name, self._asked, self._count = name, asked, count

    def __getattr__(self, verb: str) -> Any:
        self._count[f"{self._name}.{verb}"] += 1
        return getattr(self._asked, verb)
