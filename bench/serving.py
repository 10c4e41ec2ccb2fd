# SPDX-License-Identifier: Apache-2.0
"""A real engine for a benchmark: `anteroom serve` in processes of its own, on a home that goes away
with it, and its processor time told apart by the kind of process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.measure import processor_time, tree
from engine.service.remote import RemoteEngine

HOST = "127.0.0.1"
AE_TITLE = "ANTEROOM"
_LONGEST_WAIT = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A running engine."""

    home: Path
    port: int
    socket: Path
    pid: int

    def processor_seconds(self) -> dict[str, float]:
        """Return the processor time so far of the engine, its receivers and its other helpers."""
        kinds: dict[str, list[int]] = {"engine": [], "receiver": [], "helper": []}
        for pid, words in tree(self.pid).items():
            if pid == self.pid:
                kinds["engine"].append(pid)
            else:
                kinds["receiver" if "engine.receiver.workers.worker" in words else "helper"].append(
                    pid
                )
        return {kind: processor_time(pids) for kind, pids in kinds.items()}

    def workers(self) -> list[int]:
        """Return the processes that receive."""
        words = tree(self.pid)
        return sorted(pid for pid in words if "engine.receiver.workers.worker" in words[pid])


@asynccontextmanager
async def serving(
    *, build_after: float, check_every: float = 60.0, workers: int = 1, durability: str = "group"
) -> AsyncIterator[tuple[Served, RemoteEngine]]:
    """Run an engine and ask it; at the end it is stopped and its home removed."""
    home = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    settings: dict[str, Any] = {
        "session": {"build_after": build_after, "check_every": check_every},
        "dicom": {"host": HOST, "workers": workers, "durability": durability},
        "node": {"name": "bench"},
        "anonymization": {"site_script": False},
    }
    (home / "anteroom.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    said = home / "stderr.txt"
    with said.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console", "--home", str(home), "serve"),
            *("--dicom-port", "0", "--http-port", "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _LONGEST_WAIT)
        if not line:
            raise RuntimeError(said.read_text("utf-8")[-2000:])
        ready = json.loads(line)
        served = Served(
            home=home,
            port=ready["receivers"][0]["port"],
            socket=Path(ready["socket"]),
            pid=ready["pid"],
        )
        async with RemoteEngine(served.socket) as engine:
            yield served, engine
        os.kill(served.pid, signal.SIGTERM)
        await asyncio.wait_for(process.wait(), _LONGEST_WAIT)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        shutil.rmtree(home, ignore_errors=True)
