# SPDX-License-Identifier: Apache-2.0
"""What a receiver may take at most: processor time to open an association with 128 presentation
contexts, time until an object is answered among a hundred associations, memory while very large
objects are in flight, and bytes written for each byte read. The site script makes its edits all
the while. Each has its aim."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.header import EDITS
from bench.measure import Result, median, percentile, processor_time, resident
from bench.objects import PROJECT, Template
from bench.scripts import script
from bench.sender import SendError, begin, end, proposed, send, stream
from bench.serving import AE_TITLE, HOST, Served, serving
from engine.dicom.transfer_syntaxes import STORED
from engine.model.scripts import SITE
from engine.receiver.protocol.contexts import STORAGE

CONTEXTS = 128
SYNTAXES = 4
"""Transfer syntaxes in each of them."""
ASSOCIATIONS = 100
IN_FLIGHT = 4
LARGE = 5100
"""Pixels in a row and in a column: 52 MB."""

SETUP_MS, ANSWER_MS, MEMORY_MB = 1.0, 50.0, 100.0
WRITTEN = {"MR of 132 KB": (256, 1.05), "CT of 525 KB": (512, 1.02)}
"""Pixels in a row, and how many bytes may be written for each that was read."""

_FILE = re.compile(r"^p?writev?(?:64)?\(\d+</[^>]*>.* = (\d+)", re.MULTILINE)
_NETWORK = re.compile(r"^(?:recvfrom|recvmsg|read)\(\d+<TCP[^>]*>.* = (\d+)", re.MULTILINE)
_CALLS = "write,writev,pwrite64,pwritev,read,recvfrom,recvmsg"


def setup(served: Served, count: int) -> tuple[float, float]:
    """Open and release associations; return the receiver's milliseconds for one, and those until
    it is accepted."""
    syntaxes = sorted(STORED)[:SYNTAXES]
    classes = sorted(STORAGE)
    proposal = b"".join(
        proposed(2 * number + 1, classes[number % len(classes)], syntaxes)
        for number in range(CONTEXTS)
    )
    waits = []
    workers = served.workers()
    before = processor_time(workers)
    for _ in range(count):
        with socket.create_connection((HOST, served.port), timeout=60) as sock:
            began = time.perf_counter()
            begin(sock, AE_TITLE, proposal)
            waits.append(time.perf_counter() - began)
            end(sock)
    spent = processor_time(workers) - before
    return spent / count * 1000, median(waits) * 1000


def answers(served: Served, seconds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds until each object of many associations was answered: of those with
    which a session begins, and of the others."""
    sent = subprocess.run(
        [
            *(sys.executable, "-m", "bench.steady", HOST, str(served.port), AE_TITLE),
            *("--associations", str(ASSOCIATIONS), "--seconds", str(seconds)),
        ],
        stdout=subprocess.PIPE,
        check=False,
    )
    if sent.returncode:
        raise SendError("the receiver did not take what was sent")
    told = json.loads(sent.stdout)
    first, later = ([wait * 1000 for wait in told[name]] for name in ("first", "later"))
    return first, later


def memory(served: Served) -> tuple[float, float]:
    """Return the megabytes of all workers when idle, and with very large objects in flight."""
    workers = served.workers()
    instances = Template(LARGE).study(1, IN_FLIGHT)
    idle = resident(workers) / 1e6
    held = threading.Barrier(IN_FLIGHT + 1)
    over = threading.Event()
    faults: list[Exception] = []

    def pieces(data: bytes) -> Iterator[bytes]:
        yield data[:-1000]
        held.wait()
        over.wait()
        yield data[-1000:]

    def one(sop: str, data: bytes) -> None:
        try:
            stream(HOST, served.port, AE_TITLE, sop, pieces(data))
        except (OSError, SendError) as error:
            faults.append(error)
            held.abort()

    threads = [threading.Thread(target=one, args=(each.sop, each.data)) for each in instances]
    for thread in threads:
        thread.start()
    most = 0.0
    waiting = threading.Thread(target=held.wait)
    waiting.start()
    while waiting.is_alive():
        most = max(most, resident(workers) / 1e6)
        time.sleep(0.01)
    most = max(most, resident(workers) / 1e6)
    over.set()
    for thread in threads:
        thread.join()
    if faults:
        raise SendError(str(faults[0]))
    return idle, max(most, resident(workers) / 1e6)


def written(served: Served, side: int, count: int) -> tuple[int, int]:
    """Return the bytes that the workers read from the network and wrote to files for objects."""
    template = Template(side)
    # The first object of a session costs more than the others, and belongs to it.
    study = template.study(side, count)
    with _traced(served.workers()) as calls:
        send(HOST, served.port, AE_TITLE, study)
    return totals(calls)


def totals(calls: Iterable[str]) -> tuple[int, int]:
    """Sum the bytes read from the network and written to files in strace's notes."""
    read = wrote = 0
    for text in calls:
        read += sum(map(int, _NETWORK.findall(text)))
        wrote += sum(map(int, _FILE.findall(text)))
    return read, wrote


@contextmanager
def _traced(pids: list[int]) -> Iterator[list[str]]:
    """Trace processes; the notes of each thread are in the list afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    notes: list[str] = []
    strace = subprocess.Popen(
        [
            *("strace", "-ff", "-yy", "-s", "0", "-o", str(folder / "calls")),
            *("-e", f"trace={_CALLS}", *(f"--attach={pid}" for pid in pids)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert strace.stderr is not None
        attached = 0
        while attached < len(pids):
            line = strace.stderr.readline()
            if not line or "not permitted" in line:
                raise SendError(f"strace may not trace the receiver: {line.strip()}")
            attached += " attached" in line
        yield notes
    finally:
        strace.terminate()
        strace.communicate()
        notes += [path.read_text("utf-8", "replace") for path in folder.iterdir()]
        shutil.rmtree(folder)


async def _measure(*, quick: bool) -> list[Result]:
    rows: list[tuple[object, ...]] = []
    async with serving(build_after=3600, workers=2) as (served, engine):
        await engine.projects.add(PROJECT)
        await engine.scripts.set(SITE, script())
        await engine.scripts.enable(SITE)
        # What is imported or made at the first object is there when it is measured.
        await asyncio.to_thread(send, HOST, served.port, AE_TITLE, Template(64).study(0, 50))

        await asyncio.to_thread(setup, served, 50)
        spent, accepted = await asyncio.to_thread(setup, served, 100 if quick else 500)
        rows.append(_row(10, f"association with {CONTEXTS} contexts, receiver ms", SETUP_MS, spent))
        rows.append(("", "the same, ms until it is accepted", "", accepted, ""))

        first, later = await asyncio.to_thread(answers, served, 4 if quick else 20)
        what = f"{ASSOCIATIONS} associations, ms to the answer, p99"
        rows.append(_row(12, what, ANSWER_MS, percentile(later, 0.99)))
        rows.append(("", "the same, median", "", median(later), ""))
        rows.append(("", "with the object a session begins, median", "", median(first), ""))

        idle, most = await asyncio.to_thread(memory, served)
        what = f"{IN_FLIGHT} objects of 52 MB in flight, MB above idle"
        rows.append(_row(9, what, MEMORY_MB, most - idle))
        rows.append(("", "the same, idle", "", idle, ""))

        if shutil.which("strace"):
            for name, (side, aim) in WRITTEN.items():
                count = 20 if quick else 100
                read, wrote = await asyncio.to_thread(written, served, side, count)
                rows.append(_row(8, f"{name}, bytes written for each read", aim, wrote / read))
    return [
        Result(
            name="limits",
            columns=("target", "what", "at most", "found", "so it is"),
            rows=tuple(rows),
            remarks=(
                f"durable, two workers, a site script that makes {EDITS} edits to each header",
                "all associations begin within a second, each with a session that the engine makes",
                "receiver ms and MB are of all workers; bytes are those of their calls, for the "
                "journal and the undo records, too",
            ),
        )
    ]


def _row(number: int, what: str, aim: float, found: float) -> tuple[object, ...]:
    return (number, what, aim, found, "reached" if found <= aim else "missed")


def run(*, quick: bool) -> list[Result]:
    """Measure; quick: fewer associations, seconds and objects."""
    return asyncio.run(_measure(quick=quick))
