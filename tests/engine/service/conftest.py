# SPDX-License-Identifier: Apache-2.0
"""Both forms of an engine for the contract that they share: the one in this process, and the remote
one that is asked over a Unix socket. A module has one of each for all of its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from engine.model.home import Home
from engine.service.api import EngineApi
from engine.service.engine import Engine
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.service.house import house, socket  # noqa: F401 (fixtures)
from tests.line.serving import Served

Opened = tuple[EngineApi, int]


@asynccontextmanager
async def in_process(home: Path) -> AsyncIterator[Opened]:
    served = Served(home, {"dicom": {"workers": 1}, "node": {"name": "inside"}})
    found = Home.find(served.home, {})
    settings = found.ensure().override({"dicom.port": 0})
    engine = await Engine.start(found, settings)
    try:
        yield engine.acting("root"), engine.configuration.ports.own
    finally:
        await engine.stop()


@asynccontextmanager
async def remote(home: Path) -> AsyncIterator[Opened]:
    served = Served(home, {"dicom": {"workers": 1}, "node": {"name": "beside"}})
    await served.start()
    try:
        async with served.asked() as engine:
            yield engine, served.port
    finally:
        await served.kill()


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[in_process, remote], ids=["in process", "remote"]
)
async def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Opened]:
    async with AsyncExitStack() as stack:
        home = tmp_path_factory.mktemp("contract") / "home"
        yield await stack.enter_async_context(request.param(home))
