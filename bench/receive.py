# SPDX-License-Identifier: Apache-2.0
"""Images a second and receiver time per image, beside pynetdicom's minimal handler and dcmtk's
storescp, over one, two and four associations: all of them in turn, in one run, on one machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.header import EDITS
from bench.measure import Result, lower_bound, median, processor_time, tree
from bench.objects import PROJECT
from bench.scripts import script
from bench.sender import SendError
from bench.serving import AE_TITLE, HOST, Served, serving
from engine.model.scripts import SITE

STORESCP = Path("/usr/bin/storescp")
ASSOCIATIONS = (1, 2, 4)
SIDE = 256
"""Pixels in a row: objects of 132 KB, as a scanner's MR slice."""

DURABLE, QUICK = "Anteroom, durable", "Anteroom, not durable"
SCRIPTED = "Anteroom, durable, script"
MINIMAL, DCMTK = "pynetdicom, minimal handler", "dcmtk storescp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """Something that can be sent to, and whose processor time can be read."""

    name: str
    port: int
    called: str
    spent: Callable[[], float]
    settle: Callable[[], None]
    """Waits until what was received leaves the cores to others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """One run of one receiver: images a second, and its milliseconds of processor an image."""

    rate: float
    cost: float


async def _measure(rounds: int, objects: int, *, dcmtk: bool) -> list[Result]:
    async with AsyncExitStack() as stack:
        receivers = [
            await stack.enter_async_context(_anteroom(DURABLE, "group")),
            await stack.enter_async_context(_anteroom(SCRIPTED, "group", script=script())),
            await stack.enter_async_context(_anteroom(QUICK, "none")),
            stack.enter_context(_minimal()),
        ]
        if dcmtk:
            receivers.append(stack.enter_context(_dcmtk()))
        runs: dict[tuple[str, int], list[Taken]] = {}
        for number in range(rounds + 1):
            for associations in ASSOCIATIONS:
                # A round begins with another one each time, so that none is always the first.
                for at in range(len(receivers)):
                    receiver = receivers[(at + number) % len(receivers)]
                    taken = await asyncio.to_thread(
                        _one, receiver, associations, objects // associations, number
                    )
                    if number:
                        runs.setdefault((receiver.name, associations), []).append(taken)
                    await asyncio.to_thread(receiver.settle)
    return report([receiver.name for receiver in receivers], runs, objects=objects)


def _one(receiver: Receiver, associations: int, objects: int, label: int) -> Taken:
    before = receiver.spent()
    sent = subprocess.run(
        [
            *(sys.executable, "-m", "bench.sender", HOST, str(receiver.port), receiver.called),
            *("--associations", str(associations), "--objects", str(objects)),
            *("--side", str(SIDE), "--label", str(label * 10)),
        ],
        stdout=subprocess.PIPE,
        check=False,
    )
    if sent.returncode:
        raise SendError(f"{receiver.name} did not take what was sent")
    seconds = float(json.loads(sent.stdout)["seconds"])
    count = associations * objects
    return Taken(rate=count / seconds, cost=(receiver.spent() - before) / count * 1000)


def report(
    names: list[str], runs: dict[tuple[str, int], list[Taken]], *, objects: int
) -> list[Result]:
    """Return the rates, and the ratios of pairs of neighbouring runs."""
    rows: list[tuple[object, ...]] = []
    ratios: list[tuple[object, ...]] = []
    for name in names:
        row: list[object] = [name]
        for associations in ASSOCIATIONS:
            taken = runs[name, associations]
            row += [median([each.rate for each in taken]), median([each.cost for each in taken])]
        rows.append(tuple(row))
    ours = [one for one in (DURABLE, SCRIPTED, QUICK) if one in names]
    compared = [(one, other) for one in ours for other in names if one != other]
    for one, other in compared:
        row = [f"{one} / {other}"]
        for associations in ASSOCIATIONS:
            pairs = zip(runs[one, associations], runs[other, associations], strict=True)
            each = [first.rate / second.rate for first, second in pairs]
            row += [median(each), lower_bound(each)]
        ratios.append(tuple(row))
    rounds = len(runs[names[0], ASSOCIATIONS[0]])
    over = [(f"{associations} assoc: img/s", "ms/img") for associations in ASSOCIATIONS]
    bounds = [(f"{associations} assoc", "at least") for associations in ASSOCIATIONS]
    return [
        Result(
            name="receive",
            columns=("receiver", *(word for pair in over for word in pair)),
            rows=tuple(rows),
            remarks=(
                f"{objects} MR objects of {SIDE}x{SIDE} a run, {rounds} rounds in turn, medians; "
                "ms/img is processor time of the receiving processes",
                f"the script makes {EDITS} edits to each header and leaves an undo record",
                "Anteroom routes, files into sessions and keeps a journal; its engine process, "
                "which takes the journal into rows, is not in ms/img but does share the cores, "
                "as the sender does",
            ),
        ),
        Result(
            name="receive: images a second, ratios",
            columns=("ratio", *(word for pair in bounds for word in pair)),
            rows=tuple(ratios),
            remarks=("'at least' is the lower bound of the median ratio (95 %)",),
        ),
    ]


@asynccontextmanager
async def _anteroom(name: str, durability: str, *, script: str = "") -> AsyncIterator[Receiver]:
    async with serving(build_after=3600, workers=2, durability=durability) as (served, engine):
        await engine.projects.add(PROJECT)
        if script:
            await engine.scripts.set(SITE, script)
            await engine.scripts.enable(SITE)
        yield Receiver(
            name=name,
            port=served.port,
            called=AE_TITLE,
            spent=lambda: served.processor_seconds()["receiver"],
            settle=lambda: _settle(served),
        )


def _settle(served: Served) -> None:
    """Let the engine take the journal in before others are measured: until it is quiet."""
    before = served.processor_seconds()["engine"]
    while True:
        time.sleep(0.3)
        now = served.processor_seconds()["engine"]
        if now - before < 0.05:
            return
        before = now


@contextmanager
def _minimal() -> Iterator[Receiver]:
    folder = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.minimal_scp", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield _foreign(MINIMAL, port, "MINIMAL", process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


@contextmanager
def _dcmtk() -> Iterator[Receiver]:
    folder = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port = int(sock.getsockname()[1])
    process = subprocess.Popen(
        [str(STORESCP), "--fork", "-pdu", "131072", "-od", str(folder), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"TCP_NODELAY": "1"},
    )
    try:
        _until_listening(port)
        yield _foreign(DCMTK, port, "STORESCP", process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _until_listening(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _foreign(name: str, port: int, called: str, pid: int) -> Receiver:
    return Receiver(
        name=name,
        port=port,
        called=called,
        spent=lambda: processor_time(tree(pid)),
        # Nothing is removed meanwhile: new files are dearer on ext4 after many were deleted.
        settle=lambda: None,
    )


def run(*, quick: bool) -> list[Result]:
    """Measure; quick: few rounds of few objects, which show the way and prove nothing."""
    rounds, objects = (3, 80) if quick else (15, 200)
    return asyncio.run(_measure(rounds, objects, dcmtk=STORESCP.exists()))
