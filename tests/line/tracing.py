# SPDX-License-Identifier: Apache-2.0
"""The system calls of a running process, as strace saw them: to prove in which order the engine
makes things durable, and to make one chosen call fail. What is traced runs as it is, unprepared."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from struct import unpack, unpack_from

import pytest

from tests.line.warm import WORKER, WORKER_IS_CALLED
from tests.line.wire import read_command

GRACE = 10.0
"""Seconds in which a tracer that is told to end may do so by itself."""

PATIENCE = 60.0
"""Seconds until a test whose strace never begins or never ends is ended."""

_RESPONSE, _STATUS, _SOP_INSTANCE = 0x8001, 0x0900, 0x1000
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(?:<(.*?)>)?(?: (E[A-Z]+))?(.*)$")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"(?:^|[ ,(\[])\d+<([^<>]*)>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One system call that has returned."""

    thread: int
    name: str
    strings: tuple[bytes, ...]
    """Texts and buffers among the arguments, as far as strace was told to show them."""
    descriptors: tuple[str, ...]
    """What the descriptors among the arguments are open on."""
    result: int
    error: str
    injected: bool
    began: int
    ended: int
    """When, by the lines of the trace: what ends before another call begins comes before it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The arguments as paths."""
        return tuple(text.decode("utf-8", "replace") for text in self.strings)

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was asked for."""
        return not self.error and self.result >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A C-STORE response within the bytes of a send (PS3.7 9.3.1.2)."""

    sop_instance: str
    status: int


@dataclass(slots=True)
class Trace:
    """The calls of a process, in the order in which each thread made them."""

    calls: list[Call] = field(default_factory=list)

    def threads(self) -> dict[int, list[Call]]:
        """Return the calls of each thread."""
        found: dict[int, list[Call]] = {}
        for call in self.calls:
            found.setdefault(call.thread, []).append(call)
        return found

    @property
    def injected(self) -> list[Call]:
        """Return the calls that were made to fail."""
        return [call for call in self.calls if call.injected]


@asynccontextmanager
async def traced(
    *pids: int,
    calls: Sequence[str],
    inject: Sequence[str] = (),
    paths: Sequence[Path] = (),
    note: Path,
) -> AsyncIterator[Trace]:
    """Trace processes with all of their threads while the context lasts.

    `inject` are strace's own words, such as `link:error=EIO:when=1`; `paths` limits both what is
    noted and what fails to calls upon exactly these. `note` is a file that strace may write. The
    trace is filled at the end.
    """
    program = shutil.which("strace")
    if program is None:
        pytest.fail("there is no strace: install it (apt install strace)", pytrace=False)
    words = [program, "-f", "-y", "-xx", "-s", "1024", "-o", str(note)]
    words += ["-e", f"trace={','.join(calls)}"]
    for one in inject:
        words += ["-e", f"inject={one}"]
    for path in paths:
        words += ["-P", str(path)]
    strace = await asyncio.create_subprocess_exec(
        *words,
        *(f"--attach={pid}" for pid in pids),
        stdout=subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    trace = Trace()
    try:
        await asyncio.wait_for(_attached(strace, len(pids)), PATIENCE)
        yield trace
    finally:
        if strace.returncode is None:
            strace.terminate()
        try:
            await asyncio.wait_for(strace.wait(), GRACE)
        except TimeoutError:
            # It may wait for ever for threads of a process that is dead.
            strace.kill()
        await asyncio.wait_for(strace.communicate(), PATIENCE)
        trace.calls = list(read_calls(await asyncio.to_thread(_take, note)))


async def _attached(strace: asyncio.subprocess.Process, processes: int) -> None:
    """Wait until strace says that it holds the processes."""
    assert strace.stderr is not None
    said = b""
    while said.count(b" attached") < processes:
        line = await strace.stderr.readline()
        said += line
        if not line or b"Operation not permitted" in line:
            pytest.fail(
                "strace may not trace the engine: give the tests the right to ptrace (in a"
                " container --cap-add=SYS_PTRACE). It said: " + said.decode("utf-8", "replace"),
                pytrace=False,
            )


def _take(note: Path) -> str:
    text = note.read_text("utf-8", "replace")
    note.unlink()
    return text


def read_calls(text: str) -> Iterator[Call]:
    """Read strace's notes; calls that were interrupted by others are put together again."""
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.splitlines()):
        if (start := _BEGUN.match(line)) is not None:
            begun[start[1]] = number, f"{start[1]} {start[2]}({start[3]}"
            continue
        began, words = number, line
        if (resumed := _RESUMED.match(line)) is not None and resumed[1] in begun:
            began, words = begun.pop(resumed[1])
            words += resumed[3]
        if (whole := _WHOLE.match(words)) is not None:
            yield _call(whole, began, number)


def _call(found: re.Match[str], began: int, ended: int) -> Call:
    thread, name, arguments, result, _, error, rest = found.groups()
    return Call(
        thread=int(thread),
        name=name,
        strings=tuple(_bytes(text) for text in _STRING.findall(arguments)),
        descriptors=tuple(
            _bytes(path).decode("utf-8", "replace") for path in _DESCRIPTOR.findall(arguments)
        ),
        result=-1 if result == "?" else int(result),
        error=error or "",
        injected="(INJECTED)" in rest,
        began=began,
        ended=ended,
    )


def _bytes(escaped: str) -> bytes:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), escaped).encode("latin_1")


def answer_in(call: Call) -> Answer | None:
    """Return the C-STORE response that a send holds; None where it holds something else."""
    if call.name not in ("sendto", "sendmsg", "write", "writev") or not call.strings:
        return None
    data = call.strings[0]
    if len(data) < 12 or data[0] != 4 or not data[11] & 1:
        return None
    (length,) = unpack_from(">I", data, 6)
    values = read_command(data[12 : 10 + length])
    if unpack("<H", values[0x0100])[0] != _RESPONSE:
        return None
    return Answer(
        sop_instance=values[_SOP_INSTANCE].decode().strip(" \0"),
        status=unpack("<H", values[_STATUS])[0],
    )


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and not yet seen end."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return sorted(found)


def workers_of(engine: int) -> list[int]:
    """Return the receiver workers of an engine."""
    return [pid for pid in children(engine) if _is_worker(pid)]


def worker_of(engine: int) -> int:
    """Return the one receiver worker of an engine."""
    found = workers_of(engine)
    assert len(found) == 1, f"not one worker but {len(found)}"
    return found[0]


def _is_worker(pid: int) -> bool:
    process = Path(f"/proc/{pid}")
    words = (process / "cmdline").read_bytes().split(b"\0")
    return (
        WORKER[-1].encode() in words or (process / "comm").read_text().strip() == WORKER_IS_CALLED
    )
