# SPDX-License-Identifier: Apache-2.0
"""An engine in memory behind a real Unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engine.server.http import Listeners
from tests.memory import HostInMemory


@pytest.fixture
def host() -> HostInMemory:
    """Provide an engine in memory."""
    return HostInMemory()


@pytest.fixture
async def listeners(host: HostInMemory) -> AsyncIterator[Listeners]:
    """Serve it."""
    # A short path: the kernel takes 107 bytes.
    with TemporaryDirectory(prefix="anteroom-") as folder:
        opened = await Listeners.open(host, Path(folder) / "engine.sock", port=0)
        yield opened
        await opened.close()
