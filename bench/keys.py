# SPDX-License-Identifier: Apache-2.0
"""What a person feels: the time from a key to the first byte that answers it, in a list of 50,000
sessions, at rest and while 500 objects a second arrive; and what the console costs meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import Result, median, processor_time
from bench.objects import PROJECT
from bench.serving import AE_TITLE, HOST, serving
from bench.terminal import Terminal
from engine.service.remote import RemoteEngine

POINTER = "▸".encode()
"""Only the row under the cursor has it: it is written again when the cursor moves."""

RATE = 500
COLUMNS, ROWS = 120, 36
KEYS = (("row down, j", b"j"), ("page down, ctrl+d", b"\x04"), ("last row, G", b"G"))
_BACK = b"g"


@dataclass(frozen=True, kw_only=True, slots=True)
class Felt:
    """What was measured in one state of the engine."""

    name: str
    milliseconds: dict[str, list[float]]
    bytes: dict[str, list[int]]
    processor: float
    """Part of one core that the console took at rest in this state."""
    output: float
    """Bytes a second that it wrote at rest in this state."""
    objects: float
    """Objects a second that the engine took in meanwhile."""


def fill(database: Path, sessions: int) -> None:
    """Write rows of sessions into a prearchive database, as an engine that runs would find them."""
    now = datetime.now(UTC)
    rows = [
        (
            f"pre_b{number:07d}",
            PROJECT,
            f"20260101_{number:09d}",
            f"E{number:06d}",
            f"E{number:06d}",
            f"S{number:06d}",
            f"1.2.826.0.1.3680043.10.1771.{number}",
            "READY",
            *((now - timedelta(seconds=number)).isoformat(" ").replace("+00:00", ""),) * 3,
            100,
        )
        for number in range(sessions)
    ]
    names = (
        "id, project, timestamp, folder, label, subject, received_study_uid, status, uploaded, "
        "lastmod, last_object, objects"
    )
    connection = sqlite3.connect(database, timeout=30)
    with connection:
        # What else a row needs has a default in the program, not in the table.
        others = _defaults(connection, names)
        columns = ", ".join((names, *others))
        values = ", ".join("?" for _ in (*rows[0], *others))
        connection.executemany(
            f"INSERT INTO sessions ({columns}) VALUES ({values})",
            ((*row, *others.values()) for row in rows),
        )
    connection.close()


def _defaults(connection: sqlite3.Connection, given: str) -> dict[str, object]:
    named = {name.strip() for name in given.split(",")}
    found: dict[str, object] = {}
    for _, name, kind, required, _, _ in connection.execute("PRAGMA table_info(sessions)"):
        if required and name not in named:
            found[name] = "" if "CHAR" in kind or "TEXT" in kind else 0
    return found


@contextmanager
def sending(port: int, rate: int) -> Iterator[None]:
    """Let small objects arrive at a rate, from a process of their own."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.sender", HOST, str(port), AE_TITLE),
            *("--objects", str(rate * 120), "--side", "16", "--rate", str(rate)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _measure(sessions: int, times: int) -> Result:
    async with serving(build_after=3600, durability="none") as (served, engine):
        await engine.projects.add(PROJECT)
        fill(served.home / "prearchive" / "prearchive.db", sessions)
        with Terminal(
            ["--home", str(served.home)], COLUMNS, ROWS, served.home / "of-console"
        ) as terminal:
            await asyncio.to_thread(terminal.when, b"Receiving now")
            terminal.press(b"2")
            await asyncio.to_thread(terminal.when, b"E000000")
            resting = await _feel("at rest", terminal, engine, times)
            with sending(served.port, RATE):
                await _arriving(engine)
                busy = await _feel(f"{RATE} objects/s", terminal, engine, times)
    return report(sessions, (resting, busy))


async def _arriving(engine: RemoteEngine) -> None:
    before, epoch, number = (await engine.system.status()).accounts.received, "", 0
    while (await engine.system.status()).accounts.received < before + RATE:
        news = await engine.events.after(epoch, number, 1.0)
        epoch, number = news.epoch, news.last


async def _feel(name: str, terminal: Terminal, engine: RemoteEngine, times: int) -> Felt:
    received, began = (await engine.system.status()).accounts.received, time.perf_counter()
    spent: dict[str, list[float]] = {label: [] for label, _ in KEYS}
    sent: dict[str, list[int]] = {label: [] for label, _ in KEYS}
    for _ in range(times):
        for label, keys in KEYS:
            before = terminal.sent
            at, mark = terminal.press(keys)
            seen = await asyncio.to_thread(terminal.when, POINTER, mark)
            spent[label].append((seen - at) * 1000)
            await asyncio.sleep(0.15)
            sent[label].append(terminal.sent - before)
        _, mark = terminal.press(_BACK)
        await asyncio.to_thread(terminal.when, POINTER, mark)
        await asyncio.sleep(0.15)
    pid, before = terminal.process.pid, terminal.sent
    processor, resting = processor_time([pid]), time.perf_counter()
    await asyncio.sleep(4.0)
    rested = time.perf_counter() - resting
    objects = (await engine.system.status()).accounts.received - received
    return Felt(
        name=name,
        milliseconds=spent,
        bytes=sent,
        processor=(processor_time([pid]) - processor) / rested,
        output=(terminal.sent - before) / rested,
        objects=objects / (time.perf_counter() - began),
    )


def report(sessions: int, states: tuple[Felt, ...]) -> Result:
    """Set the states side by side."""
    rows: list[tuple[object, ...]] = []
    for label, _ in KEYS:
        rows.append((f"{label}: ms, median", *(median(one.milliseconds[label]) for one in states)))
        worst = (sorted(one.milliseconds[label])[-1] for one in states)
        rows.append((f"{label}: ms, worst", *worst))
        rows.append((f"{label}: bytes, median", *(median(one.bytes[label]) for one in states)))
    rows.append(("console at rest: % of a core", *(one.processor * 100 for one in states)))
    rows.append(("console at rest: bytes/s", *(one.output for one in states)))
    rows.append(("objects/s taken in", *(one.objects for one in states)))
    times = len(next(iter(states[0].milliseconds.values())))
    return Result(
        name="keys",
        columns=("from a key to its first byte", *(one.name for one in states)),
        rows=tuple(rows),
        remarks=(
            f"list of {sessions} sessions, {COLUMNS}x{ROWS}, {times} rounds of each key; SQLite, "
            "not durable, engine, receiver, sender and console on the same cores",
        ),
    )


def run(*, quick: bool) -> list[Result]:
    """Measure; quick: a tenth of the rounds."""
    return [asyncio.run(_measure(50_000, 4 if quick else 40))]
