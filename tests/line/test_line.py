# SPDX-License-Identifier: Apache-2.0
"""The line, end to end: a real sender stores, the session assembles, waits in the prearchive, is
archived, and is found again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pydicom.data

from engine.model.accounts import Place
from engine.model.states import Status
from tests.conftest import Backend
from tests.line.serving import Served, sessions, settled, until

STUDIES = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"


async def test_a_session_goes_from_sender_to_archive_and_is_found(
    serve: Callable[..., Served], backend: Backend
) -> None:
    served = serve(backend, build_after=0.2, cold=True)
    await served.start()
    async with served.asked() as engine:
        # One of this patient's three MR studies is described so.
        await engine.projects.add("NECK", aliases=("Carotids",))
        await engine.projects.set("NECK", {"prearchive_code": "0"})

        assert await served.store(STUDIES / "98892003") == 0
        files = [path for path in (STUDIES / "98892003").rglob("*") if path.is_file()]
        rows = await settled(engine, objects=len(files))
        assert [row.status for row in rows] == [Status.READY] * 3

        (chosen,) = [row for row in rows if row.project == "NECK"]
        (outcome,) = await engine.prearchive.archive((chosen.id,))
        assert outcome.done, outcome.message

        async def filed() -> bool:
            # It is in the archive before it has left the prearchive, and is counted then.
            rows = await sessions(engine)
            return (await engine.archive.list()).total == 1 and chosen.id not in {
                row.id for row in rows
            }

        await until(engine, filed)
        status = await engine.system.status()
        assert status.accounts.at(Place.ARCHIVED) == chosen.objects
        assert status.accounts.received == len(files)

    listed = await command(served, "archive", "list", "--json")
    (session,) = json.loads(listed)
    assert session["project"] == "NECK"
    assert session["files"] == chosen.objects
    stored = list((served.archive / "NECK" / "arc001").rglob("*.dcm"))
    assert len(stored) == chosen.objects
    assert await served.stop() == 0


async def command(served: Served, *words: str) -> str:
    """Run the command line on the home and give what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "console",
        "--home",
        str(served.home),
        *words,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()
