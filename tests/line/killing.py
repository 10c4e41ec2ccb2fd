# SPDX-License-Identifier: Apache-2.0
"""An engine that is killed, or that is sent another object, at a named point of a job's step. Run
as `python -m tests.line.killing PLAN python -m console ...`: the command behind the plan runs in
this very process, with the plan as its hook."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODULE = "tests.line.killing"


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


def kill_at(folder: Path, point: str, number: int) -> tuple[str, ...]:
    """Return the wrapper with which an engine is started that dies at a point, once it is armed."""
    folder.mkdir(parents=True)
    return _wrapper({"kill": {"folder": str(folder), "point": point, "number": number}})


def arm(folder: Path) -> None:
    """Let the engine die at its point from now on."""
    (folder / "armed").touch()


def send_at_points(folder: Path, often: int) -> tuple[str, ...]:
    """Return the wrapper with which an engine is started that gets objects at every point."""
    folder.mkdir(parents=True)
    return _wrapper({"send": {"folder": str(folder), "often": often}})


def _wrapper(plan: dict[str, object]) -> tuple[str, ...]:
    return (sys.executable, "-m", MODULE, json.dumps(plan))


def main() -> None:
    """Run the command with the hook of the plan."""
    from console.__main__ import main as anteroom  # noqa: PLC0415
    from engine.service.engine import Engine  # noqa: PLC0415
    from tests.line import killing  # noqa: PLC0415, PLW0406

    plan = json.loads(sys.argv[1])
    # By its full name: the processes of the pool must find the class again.
    reached: Callable[[str], None]
    if "kill" in plan:
        reached = killing.Killer(**plan["kill"])
    else:
        reached = killing.Latecomer(**plan["send"])
    start = Engine.start

    async def start_with_hook(*given: object) -> Engine:
        return await start(*given, reached=reached)  # type: ignore[arg-type]

    Engine.start = start_with_hook  # type: ignore[assignment,method-assign]
    position = sys.argv.index("console")
    sys.argv = sys.argv[position:]
    anteroom()


if __name__ == "__main__":
    main()
