# SPDX-License-Identifier: Apache-2.0
"""Images a second and receiver time per image, over one, two and four associations and of small,
usual and very large objects, beside dcmtk's storescp, pynetdicom's minimal handler, and what does
nothing but write bytes to files: all of them in turn, in one run, on one machine. What is aimed at
is judged by lower bounds of ratios."""

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
from dataclasses import dataclass, replace
from pathlib import Path

from bench.header import EDITS
from bench.measure import Result, lower_bound, median, processor_time, tree
from bench.objects import EXPLICIT, MR_IMAGE, PROJECT, Template
from bench.scripts import script
from bench.sender import SendError
from bench.serving import AE_TITLE, HOST, Served, serving
from engine.dicom.part10 import write_meta
from engine.model.scripts import SITE

STORESCP, STORESCU = Path("/usr/bin/storescp"), Path("/usr/bin/storescu")
ORTHANC = Path("/usr/sbin/Orthanc")
ASSOCIATIONS = (1, 2, 4)
CONFIDENCE = 0.9

DURABLE, QUICK = "Anteroom, durable", "Anteroom, not durable"
SCRIPTED = "Anteroom, durable, script"
MINIMAL, DCMTK = "pynetdicom, minimal handler", "dcmtk storescp"
VERBATIM, RAW = "dcmtk storescp +B", "bytes to files"
APPLICATION, INDEXING = "pynetdicom storescp", "Orthanc"
UNTOUCHED = "dcmtk storescp, Nagle on"


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """Objects of one size: `side` pixels of 16 bits in a row and in a column."""

    name: str
    side: int
    objects: int
    """How many make a run, over all associations."""
    storescu: bool = False
    """Whether dcmtk's program sends, as it comes: it leaves Nagle's algorithm on."""
    only: tuple[str, ...] = ()
    """The receivers that take part; empty: all. Very large objects fill a disk soon."""


SMALL = Size(name="MR of 132 KB", side=256, objects=200)
USUAL = Size(name="CT of 525 KB", side=512, objects=100)
UNMODIFIED = Size(name="MR of 132 KB, from storescu", side=256, objects=200, storescu=True)
"""Over one association, to Anteroom and dcmtk as they come: each object may wait for nothing."""
LARGE = Size(name="52 MB", side=5100, objects=4, only=(DURABLE, QUICK, DCMTK, VERBATIM))


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A ratio of rates that is aimed at."""

    number: int
    """As in the table of docs/benchmarks.md."""
    one: str
    other: str
    size: Size
    least: dict[int, float]
    """By number of associations."""


TARGETS = (
    *(
        Target(number=1, one=SCRIPTED, other=MINIMAL, size=size, least={1: 4, 2: 4, 4: 4})
        for size in (SMALL, USUAL)
    ),
    *(
        Target(number=3, one=QUICK, other=DCMTK, size=size, least={1: 1, 2: 1, 4: 1})
        for size in (SMALL, USUAL)
    ),
    *(
        Target(number=2, one=SCRIPTED, other=INDEXING, size=size, least={1: 2.5, 2: 2.5, 4: 2.5})
        for size in (SMALL, USUAL)
    ),
    Target(number=4, one=QUICK, other=RAW, size=SMALL, least={1: 0.9, 2: 0.9, 4: 0.9}),
    Target(number=5, one=DURABLE, other=UNTOUCHED, size=UNMODIFIED, least={1: 20}),
    Target(number=6, one=QUICK, other=VERBATIM, size=LARGE, least={1: 1.2, 2: 1.2, 4: 1.2}),
    Target(number=7, one=DURABLE, other=QUICK, size=SMALL, least={1: 0.6, 4: 0.8}),
    Target(number=13, one=DURABLE, other=DCMTK, size=SMALL, least={1: 0.8, 4: 1.0}),
)


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


Runs = dict[tuple[Size, str, int], list[Taken]]
"""What was taken, round by round, by size, receiver and number of associations."""


async def _measure(
    rounds: int, sizes: tuple[Size, ...], *, dcmtk: bool, orthanc: bool
) -> list[Result]:
    async with AsyncExitStack() as stack:
        receivers = [
            await stack.enter_async_context(_anteroom(DURABLE, "group")),
            await stack.enter_async_context(_anteroom(SCRIPTED, "group", script=script())),
            await stack.enter_async_context(_anteroom(QUICK, "none")),
            stack.enter_context(_in_python(MINIMAL, "bench.minimal_scp", "MINIMAL")),
            stack.enter_context(_in_python(RAW, "bench.raw_receiver", "RAW")),
            stack.enter_context(_application()),
        ]
        if dcmtk:
            receivers.append(stack.enter_context(_dcmtk(DCMTK)))
            receivers.append(stack.enter_context(_dcmtk(VERBATIM, "+B")))
        if orthanc:
            receivers.append(stack.enter_context(_orthanc()))
        runs: Runs = {}
        for size in sizes:
            for number in range(rounds + 1):
                for associations in ASSOCIATIONS:
                    # A round begins with another one each time, so that none is always the first.
                    taking = [one for one in receivers if not size.only or one.name in size.only]
                    for at in range(len(taking)):
                        receiver = taking[(at + number) % len(taking)]
                        taken = await asyncio.to_thread(_one, receiver, size, associations, number)
                        if number:
                            of = (size, receiver.name, associations)
                            runs.setdefault(of, []).append(taken)
        if dcmtk:
            receivers.append(stack.enter_context(_dcmtk(UNTOUCHED, nagle=True)))
            for number in range(rounds):
                for receiver in (receivers[0], receivers[-1]):
                    taken = await asyncio.to_thread(_unmodified, receiver, UNMODIFIED, number)
                    runs.setdefault((UNMODIFIED, receiver.name, 1), []).append(taken)
    return report([receiver.name for receiver in receivers], runs)


def _one(receiver: Receiver, size: Size, associations: int, label: int) -> Taken:
    before = receiver.spent()
    sent = subprocess.run(
        [
            *(sys.executable, "-m", "bench.sender", HOST, str(receiver.port), receiver.called),
            *("--associations", str(associations)),
            *("--objects", str(size.objects // associations)),
            *("--side", str(size.side), "--label", str(label * 10)),
        ],
        stdout=subprocess.PIPE,
        check=False,
    )
    if sent.returncode:
        raise SendError(f"{receiver.name} did not take what was sent")
    seconds = float(json.loads(sent.stdout)["seconds"])
    count = size.objects // associations * associations
    # What is done for these objects once they are answered is part of what they cost.
    receiver.settle()
    return Taken(rate=count / seconds, cost=(receiver.spent() - before) / count * 1000)


def _unmodified(receiver: Receiver, size: Size, label: int) -> Taken:
    """Let storescu send new files, as its users call it; all of its time counts."""
    before = receiver.spent()
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-") as folder:
        for number, each in enumerate(Template(size.side).study(label, size.objects)):
            meta = write_meta(sop_class=MR_IMAGE, sop_instance=each.sop, transfer_syntax=EXPLICIT)
            (Path(folder) / f"{number:04}.dcm").write_bytes(meta + each.data)
        began = time.perf_counter()
        subprocess.run(
            [str(STORESCU), "-aec", receiver.called, "+sd", HOST, str(receiver.port), folder],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - began
    receiver.settle()
    cost = (receiver.spent() - before) / size.objects * 1000
    return Taken(rate=size.objects / seconds, cost=cost)


def report(names: list[str], runs: Runs) -> list[Result]:
    """Return rates, ratios of pairs of neighbouring runs, and what became of the targets."""
    results = []
    sizes = [size for size in dict.fromkeys(size for size, _, _ in runs) if not size.storescu]
    over = [(f"{associations} assoc: img/s", "ms/img") for associations in ASSOCIATIONS]
    bounds = [(f"{associations} assoc", "at least") for associations in ASSOCIATIONS]
    for size in sizes:
        there = [name for name in names if (size, name, ASSOCIATIONS[0]) in runs]
        ours = [one for one in (DURABLE, SCRIPTED, QUICK) if one in there]
        rows: list[tuple[object, ...]] = []
        for name in there:
            row: list[object] = [name]
            for associations in ASSOCIATIONS:
                taken = runs[size, name, associations]
                row.append(median([each.rate for each in taken]))
                row.append(median([each.cost for each in taken]))
            rows.append(tuple(row))
        rounds = len(runs[size, there[0], ASSOCIATIONS[0]])
        results.append(
            Result(
                name=f"receive: {size.name}",
                columns=("receiver", *(word for pair in over for word in pair)),
                rows=tuple(rows),
                remarks=(f"{size.objects} objects a run, {rounds} rounds in turn, medians", *_TOLD),
            )
        )
        ratios: list[tuple[object, ...]] = []
        for one in ours:
            for other in (each for each in there if each != one):
                row = [f"{one} / {other}"]
                for associations in ASSOCIATIONS:
                    each = _ratios(runs, size, one, other, associations)
                    row += [median(each), lower_bound(each, CONFIDENCE)]
                ratios.append(tuple(row))
        results.append(
            Result(
                name=f"receive: {size.name}, ratios of images a second",
                columns=("ratio", *(word for pair in bounds for word in pair)),
                rows=tuple(ratios),
                remarks=("'at least' is the lower bound of the median ratio (90 %)",),
            )
        )
    results.append(_aims(names, runs))
    return results


_TOLD = (
    "ms/img is processor time of all receiving processes, Anteroom's engine among them, until they "
    "have come to rest",
    f"the script makes {EDITS} edits to each header and leaves an undo record",
    "Anteroom routes, files into sessions, digests every byte, and keeps a journal that the engine "
    "takes into rows; the others write files",
)


def _ratios(runs: Runs, size: Size, one: str, other: str, associations: int) -> list[float]:
    pairs = zip(runs[size, one, associations], runs[size, other, associations], strict=True)
    return [first.rate / second.rate for first, second in pairs]


def _aims(names: list[str], runs: Runs) -> Result:
    rows: list[tuple[object, ...]] = []
    # By name: a quick run has fewer objects of a size.
    measured = {size.name: size for size, _, _ in runs}
    for target in TARGETS:
        size = measured.get(target.size.name)
        if size is None or target.one not in names or target.other not in names:
            continue
        for associations, least in target.least.items():
            found = _ratios(runs, size, target.one, target.other, associations)
            bound = lower_bound(found, CONFIDENCE)
            rows.append(
                (
                    f"{target.number}: {target.one} / {target.other}, {target.size.name}",
                    associations,
                    least,
                    median(found),
                    bound,
                    "reached" if bound >= least else "tie" if bound >= 0.85 * least else "missed",
                )
            )
    return Result(
        name="receive: what is aimed at",
        columns=("target", "assoc", "aim", "ratio", "at least", "so it is"),
        rows=tuple(rows),
        remarks=("a lower bound within 15 % of the aim is a tie",),
    )


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
            spent=lambda: sum(served.processor_seconds().values()),
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
def _in_python(name: str, module: str, called: str) -> Iterator[Receiver]:
    folder = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield _foreign(name, port, called, process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


@contextmanager
def _application() -> Iterator[Receiver]:
    """Serve with the program that comes with pynetdicom."""
    with _alone() as (folder, port):
        words = [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-od", str(folder)]
        with _running([*words, "-q"], port) as pid:
            yield _foreign(APPLICATION, port, "STORESCP", pid)


@contextmanager
def _orthanc() -> Iterator[Receiver]:
    """Serve with Orthanc as it comes; it indexes what it stores."""
    with _alone() as (folder, port):
        settings = {
            "Name": "bench",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "DicomAet": "ORTHANC",
            "DicomPort": port,
            "DicomCheckCalledAet": False,
            "HttpServerEnabled": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings), "utf-8")
        with _running([str(ORTHANC), str(folder / "orthanc.json")], port) as pid:
            yield _foreign(INDEXING, port, "ORTHANC", pid)


@contextmanager
def _alone() -> Iterator[tuple[Path, int]]:
    """Yield a folder that goes away, and a port that nobody listens on."""
    folder = Path(tempfile.mkdtemp(prefix="anteroom-bench-"))
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port = int(sock.getsockname()[1])
    try:
        yield folder, port
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(words: list[str], port: int, environ: dict[str, str] | None = None) -> Iterator[int]:
    """Run a receiver until it is done with; yield its process once it listens."""
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
    )
    try:
        _until_listening(port)
        yield process.pid
    finally:
        process.kill()
        process.wait()


@contextmanager
def _dcmtk(name: str, *options: str, nagle: bool = False) -> Iterator[Receiver]:
    with _alone() as (folder, port):
        words = [str(STORESCP), "--fork", "-pdu", "131072", *options, "-od", str(folder), str(port)]
        with _running(words, port, {} if nagle else {"TCP_NODELAY": "1"}) as pid:
            yield _foreign(name, port, "STORESCP", pid)


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
    """Measure; quick: few rounds of few small objects, which show the way and prove nothing."""
    sizes = (replace(SMALL, objects=80),) if quick else (SMALL, USUAL, LARGE)
    dcmtk, orthanc = STORESCP.exists(), ORTHANC.exists()
    return asyncio.run(_measure(3 if quick else 15, sizes, dcmtk=dcmtk, orthanc=orthanc))
