# SPDX-License-Identifier: Apache-2.0
"""An engine behind its listeners, asked through `RemoteEngine` as every command and screen does."""

from __future__ import annotations

import asyncio
import getpass
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn

from engine.model.errors import (
    EngineError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from engine.model.prearchive import PrearchiveQuery
from engine.model.states import Status
from engine.server.app import LARGEST_CALL
from engine.server.http import Listeners
from engine.server.unix import bind
from engine.service.api import EngineApi
from engine.service.remote import RemoteEngine
from tests.memory import HostInMemory, session


@pytest.fixture
async def remote(listeners: Listeners) -> AsyncIterator[RemoteEngine]:
    async with RemoteEngine(listeners.socket) as engine:
        yield engine


@pytest.fixture
async def raw(listeners: Listeners) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(uds=str(listeners.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        yield client


async def test_a_remote_engine_answers_as_the_one_in_the_process(
    host: HostInMemory, remote: RemoteEngine
) -> None:
    host.facts.keep(session(1), session(2, status=Status.ERROR), session(3))
    here: EngineApi = host.acting(getpass.getuser())
    there: EngineApi = remote
    query = PrearchiveQuery(status=(Status.READY,), sort="label", descending=False)
    assert await there.prearchive.list(query) == await here.prearchive.list(query)
    assert await there.prearchive.list(limit=1) == await here.prearchive.list(limit=1)
    assert await there.prearchive.show("pre_aaaaaaa2") == await here.prearchive.show("pre_aaaaaaa2")
    assert await there.system.status() == await here.system.status()
    added = await there.projects.add("NEURO3", aliases=("N3", "Neuro"))
    assert added == await here.projects.show("NEURO3")
    assert await there.receivers.add("OTHER", 8105, allow=("CT1",)) in await here.receivers.list()
    await there.receivers.remove("OTHER", 8105)
    assert await here.receivers.list() == ()
    assert await there.events.after("", 0) == await here.events.after("", 0)


async def test_listeners_wait_without_looking_at_the_clock(
    host: HostInMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    on_tick = uvicorn.Server.on_tick

    async def counted(server: uvicorn.Server, counter: int) -> bool:
        looks.append(counter)
        return await on_tick(server, counter)

    monkeypatch.setattr(uvicorn.Server, "on_tick", counted)
    listeners = await Listeners.open(host, tmp_path / "s", port=0)
    async with RemoteEngine(listeners.socket) as engine:
        for _ in range(20):
            await engine.system.status()
    await listeners.close()
    assert looks == [0, 0]


async def test_the_actor_is_the_unix_user_of_the_peer(
    host: HostInMemory, remote: RemoteEngine
) -> None:
    host.facts.keep(session(1))
    (entry,) = await remote.prearchive.log("pre_aaaaaaa1")
    assert entry.text.endswith(f"asked by {getpass.getuser()}")


async def test_errors_arrive_as_what_they_were(remote: RemoteEngine) -> None:
    with pytest.raises(NotFound) as missing:
        await remote.prearchive.show("pre_nowhere0")
    assert missing.value.hint == "list them: anteroom prearchive list"
    with pytest.raises(InvalidInput) as invalid:
        await remote.rules.set("site", "project", "nonsense")
    assert [str(problem) for problem in invalid.value.problems] == [
        "1:1: a rule starts with the tag it reads, such as (0008,1030)"
    ]


async def test_arguments_that_do_not_fit_never_reach_the_engine(
    host: HostInMemory, remote: RemoteEngine
) -> None:
    with pytest.raises(InvalidInput):
        await remote.prearchive.list(limit="all")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await remote.prearchive.list(window=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("address", ["/rpc/x.list", "/rpc/prearchive.x", "/rpc/", "/else", "/"])
async def test_unknown_addresses_are_404(raw: httpx.AsyncClient, address: str) -> None:
    response = await raw.post(address, content=b"{}")
    assert response.status_code == 404
    assert response.json()["code"] == "not-found"


async def test_a_call_larger_than_any_rule_text_is_not_read(raw: httpx.AsyncClient) -> None:
    response = await raw.post("/rpc/jobs.list", content=b" " * (LARGEST_CALL + 1))
    assert (response.status_code, response.json()["code"]) == (400, "invalid-input")


async def test_a_failure_inside_names_a_reference_and_nothing_of_the_data(
    host: HostInMemory, remote: RemoteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def acting(self, actor: str) -> Any:
            async def verify() -> None:
                raise ValueError("DOE^JANE")

            return SimpleNamespace(audit=SimpleNamespace(verify=verify))

    monkeypatch.setattr(host, "acting", Broken().acting)
    with pytest.raises(EngineError, match=r"reference [0-9a-f]{8}") as caught:
        await remote.audit.verify()
    assert "DOE" not in caught.value.message + caught.value.hint


async def test_news_end_a_wait(host: HostInMemory, remote: RemoteEngine) -> None:
    waiting = asyncio.create_task(remote.events.after("first", 0, 30.0))
    await host.facts.waited.wait()
    await host.facts.tell("session", "pre_aaaaaaa1")
    batch = await waiting
    assert [event.object for event in batch.events] == ["pre_aaaaaaa1"]


async def test_closing_ends_a_wait_and_removes_the_socket(
    host: HostInMemory, listeners: Listeners, remote: RemoteEngine
) -> None:
    waiting = asyncio.create_task(remote.events.after("first", 0, 30.0))
    await host.facts.waited.wait()
    await listeners.close()
    with pytest.raises(Unavailable, match="stopping"):
        await waiting
    assert not listeners.socket.exists()
    with pytest.raises(Unavailable, match="no engine is running on this home"):
        await remote.system.status()


async def test_the_socket_is_for_user_and_group_only(listeners: Listeners) -> None:
    mode = listeners.socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


async def test_the_socket_of_a_dead_engine_is_replaced(listeners: Listeners) -> None:
    listeners.socket.with_name("other.sock").touch()
    fresh = bind(listeners.socket.with_name("other.sock"))
    try:
        assert stat.S_ISSOCK(listeners.socket.with_name("other.sock").stat().st_mode)
    finally:
        fresh.close()


def test_a_path_that_the_kernel_would_not_take_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too long"):
        bind(Path("/tmp") / ("x" * 120) / "engine.sock")


async def test_tcp_tells_that_an_engine_is_there_and_nothing_else(
    host: HostInMemory, listeners: Listeners
) -> None:
    host.facts.keep(session(1))
    async with httpx.AsyncClient(base_url=listeners.http, trust_env=False) as client:
        alive = await client.get("/")
        assert alive.json() == {"name": "anteroom", "ready": True}
        assert (await client.post("/rpc/prearchive.list", content=b"{}")).status_code == 404


async def test_a_port_in_use_is_said_and_leaves_no_socket(
    host: HostInMemory, listeners: Listeners
) -> None:
    port = int(listeners.http.rpartition(":")[2])
    other = listeners.socket.with_name("second.sock")
    with pytest.raises(Unavailable, match=f"HTTP port {port} is in use"):
        await Listeners.open(host, other, port=port)
    assert not other.exists()


async def test_many_ask_at_once(host: HostInMemory, remote: RemoteEngine) -> None:
    host.facts.keep(session(1))
    rows = await asyncio.gather(*(remote.prearchive.show("pre_aaaaaaa1") for _ in range(50)))
    assert set(rows) == {replace(session(1))}


def test_asking_an_engine_loads_no_database() -> None:
    code = "import engine.service.remote, sys; print('sqlalchemy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
