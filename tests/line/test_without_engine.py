# SPDX-License-Identifier: Apache-2.0
"""Commands on a home that no engine serves: they open it themselves, one at a time, and an engine
that starts meanwhile waits for them; where an engine runs they ask it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from engine.model.home import Home
from tests.line.serving import Served
from tests.line.test_backup import anteroom


async def test_a_home_is_configured_and_read_before_its_engine_runs(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    home = ("--home", str(served.home))
    await anteroom(*home, "project", "add", "P", "--title", "Knees")
    await anteroom(*home, "user", "add", "ada", "--role", "owner", "--project", "P")
    assert "P owner" in (await anteroom(*home, "user", "list"))[0]
    await anteroom(*home, "receiver", "add", "CT1", "--port", "11118")
    await anteroom(*home, "receiver", "stop", "CT1")
    rows = json.loads((await anteroom(*home, "receiver", "list", "--json"))[0])
    assert [(row["ae_title"], row["enabled"], row["listening"]) for row in rows] == [
        ("ANTEROOM", True, False),
        ("CT1", False, False),
    ]
    assert "hold" in (await anteroom(*home, "audit", "verify"))[0]
    _, err = await anteroom(*home, "project", "add", "P", exits=1)
    assert "the project P exists" in err
    _, err = await anteroom(*home, "jobs", "list", exits=1)
    assert "no engine is running" in err
    await served.start()
    async with served.asked() as engine:
        assert [row.title for row in await engine.projects.list()] == ["Knees"]
        actions = {event.action for event in (await engine.audit.list(limit=100)).rows}
        assert {"Added project", "Added receiver"} <= actions
        # The engine is asked: it knows at once.
        await anteroom(*home, "project", "set", "P", "title=Hips")
        assert [row.title for row in await engine.projects.list()] == ["Hips"]


async def test_commands_and_engines_wait_for_each_other(serve: Callable[..., Served]) -> None:
    served = serve()
    home = ("--home", str(served.home))
    await asyncio.gather(*(anteroom(*home, "project", "add", f"P{n}") for n in range(3)))
    rows = json.loads((await anteroom(*home, "project", "list", "--json"))[0])
    assert len(rows) == 3
    lock = Home(served.home).lock(command=True)
    starting = asyncio.create_task(served.start())
    try:
        done, _ = await asyncio.wait({starting}, timeout=0.5)
        assert not done
    finally:
        lock.close()
    await starting


async def test_no_home_is_made_by_a_question(tmp_path: Path) -> None:
    _, err = await anteroom("--home", str(tmp_path / "none"), "project", "list", exits=1)
    assert "no engine is running" in err
    assert not os.listdir(tmp_path)
