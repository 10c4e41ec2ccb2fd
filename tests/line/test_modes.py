# SPDX-License-Identifier: Apache-2.0
"""Nothing that an engine writes can be read by others, be its umask as wide as it may and its home
open when it starts."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from engine.service.remote import RemoteEngine
from tests.line.sending import make_study, send
from tests.line.serving import Served, sessions, settled, until


def _open_to_others(home: Path) -> dict[str, str]:
    """Name what has other modes than 0700 and 0600."""
    found = {}
    for path in (home, *home.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            found[path.relative_to(home).as_posix()] = f"{mode:o}"
    return found


async def test_others_read_nothing_of_what_an_engine_writes(serve: Callable[..., Served]) -> None:
    served = serve(build_after=0.2, site_script=True)
    served.home.chmod(0o755)
    for name in ("logs", "prearchive", "archive"):
        (served.home / name).mkdir(mode=0o755)
    (served.home / "stderr.txt").touch(mode=0o600)
    await served.start("sh", "-c", 'umask 000; exec "$@"', "sh")
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        for study, project in ((1, "P"), (2, "P"), (3, "")):
            assert len(send(served.port, make_study(study, project=project))) == 6
        rows = await settled(engine, objects=18)
        mine = [row.id for row in rows if row.project]
        await engine.prearchive.archive((mine[0],))
        await engine.prearchive.delete((mine[1],))
        await until(engine, lambda: _gone(engine, 1))
        running = _open_to_others(served.home)
    assert running.pop("engine.sock") == "660"
    # The archive was there: its group may go through its folders. Files are the engine's alone.
    assert {mode for name, mode in running.items() if name.startswith("archive")} == {"750"}
    assert [name for name in running if not name.startswith("archive")] == []
    assert all((served.home / name).is_dir() for name in running)
    assert await served.stop() == 0


async def _gone(engine: RemoteEngine, left: int) -> bool:
    return len(await sessions(engine)) == left
