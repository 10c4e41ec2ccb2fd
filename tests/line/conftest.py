# SPDX-License-Identifier: Apache-2.0
"""Engines in processes of their own, on homes that go away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Backend
from tests.line.serving import Served
from tests.line.warm import Warm


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Forks engines, from the first one that is asked for."""
    made = Warm()
    yield made
    made.close()


@pytest.fixture
async def serve(tmp_path: Path, warm: Warm) -> AsyncIterator[Callable[..., Served]]:
    """Makes homes: `serve(backend, build_after=0.2)`; what still runs at the end is killed. With
    `cold` their engines are started as users start them, and may be known by their commands."""
    made: list[Served] = []

    def make(
        backend: Backend | None = None,
        *,
        name: str = "home",
        cold: bool = False,
        **settings: Any,
    ) -> Served:
        values: dict[str, Any] = {
            "session": {
                "build_after": settings.pop("build_after", 3600.0),
                "check_every": settings.pop("check_every", 0.1),
            },
            "dicom": {"workers": settings.pop("workers", 1), **settings.pop("dicom", {})},
            "node": {"name": settings.pop("node", name)},
            # What is stored is what was sent, unless a test is about scripts.
            "anonymization": {"site_script": settings.pop("site_script", False)},
            **settings,
        }
        if backend is not None:
            values["databases"] = {
                "archive_url": backend.archive_url,
                "prearchive_url": backend.prearchive_url,
            }
        served = Served(tmp_path / name, values, None if cold else warm)
        made.append(served)
        return served

    yield make
    for served in made:
        if served.process is not None:
            await served.kill()
