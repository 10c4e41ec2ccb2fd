# SPDX-License-Identifier: Apache-2.0
"""Plans for an engine: that it is killed, or that it is sent another object, at a named point of a
job's step. They are followed by engines that are forked (`tests.line.warm`)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Plan = dict[str, dict[str, Any]]
"""What an engine is told of it, so that it can be sent there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Killer:
    """Kills engine, workers and pool, as a power cut does, the n-th time a point is passed since
    there is a file `armed` in the folder."""

    folder: str
    """Where points are counted, over all processes of the engine."""
    point: str
    number: int

    def __call__(self, point: str) -> None:
        """Pass a point."""
        folder = Path(self.folder)
        if not (folder / "armed").exists():
            return
        if count(folder, point) == self.number and point == self.point:
            # Processes of the pool and workers are of the engine's own group.
            os.killpg(os.getpgrp(), signal.SIGKILL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Latecomer:
    """Sends one more object of the study at each point, and notes the answer before going on.

    Which study and whereto stands in `now.json` of the folder; without it nothing is sent."""

    folder: str
    often: int
    """How many times at each point of a phase."""

    def __call__(self, point: str) -> None:
        """Pass a point."""
        folder = Path(self.folder)
        try:
            now = json.loads((folder / "now.json").read_text())
        except FileNotFoundError:
            return
        if count(folder, f"{now['phase']} {point}") > self.often:
            return
        from tests.line.sending import make_object, send  # noqa: PLC0415

        number = 100 + count(folder, f"{now['phase']} sent")
        late = make_object(now["study"], number, project=now["project"])
        said = [str(late.SOPInstanceUID), bool(send(now["port"], [late])), point, now["phase"]]
        with (folder / "late.jsonl").open("a") as file:
            file.write(json.dumps(said) + "\n")


def count(folder: Path, name: str) -> int:
    """Count one more of `name` in a file that all processes share; return how many there are."""
    path = folder / f"{name}.count"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, b".")
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    finally:
        os.close(descriptor)


def kill_at(folder: Path, point: str, number: int) -> Plan:
    """Plan that an engine dies at a point, once it is armed."""
    folder.mkdir(parents=True)
    return {"kill": {"folder": str(folder), "point": point, "number": number}}


def arm(folder: Path) -> None:
    """Let the engine die at its point from now on."""
    (folder / "armed").touch()


def send_at_points(folder: Path, often: int) -> Plan:
    """Plan that an engine gets objects at every point."""
    folder.mkdir(parents=True)
    return {"send": {"folder": str(folder), "often": often}}


def follow(plan: Plan) -> None:
    """Let the engine that starts in this process follow a plan."""
    from engine.service.engine import Engine  # noqa: PLC0415 (only where an engine is)

    reached: Callable[[str], None]
    reached = Killer(**plan["kill"]) if "kill" in plan else Latecomer(**plan["send"])
    start = Engine.start

    async def start_with_hook(*given: object) -> Engine:
        return await start(*given, reached=reached)  # type: ignore[arg-type]

    Engine.start = start_with_hook  # type: ignore[assignment,method-assign]
