# SPDX-License-Identifier: Apache-2.0
"""Engines that load nothing: forks of a process that has loaded all of it once. Each is a process
with a group of its own, as after `anteroom serve`, and its receiver workers and the processes of
its pool are children of its own; a few of them are forks too, made before it has a thread.

Run as `python -m tests.line.warm DESCRIPTOR`, with a socket on which engines are asked for."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import util
from pathlib import Path
from typing import IO, Any

MODULE = "tests.line.warm"
ROOT = Path(__file__).parents[2]
LOADED = (
    *("aiosqlite", "alembic.command", "dbos._sys_db_sqlite", "uvicorn.lifespan.off"),
    *("console.__main__", "console.commands.serve", "console.runtime.log"),
    *("engine.server.http", "engine.service.engine", "engine.receiver.workers.worker"),
    *("tests.line.killing", "tests.line.sending"),
)
"""What an engine, its workers and its pool load, with all that this loads."""

RESTS = {
    "engine.jobs.workflow.SHORTEST_REST": 0.1,
    "engine.service.engine._BACKLOG_EVERY": 0.1,
    "engine.service.engine._RELAY_EVERY": 0.1,
    "engine.service.engine._WATCH_EVERY": 0.2,
}
"""How long an engine rests between two looks, shorter than it does for its users: nothing that is
tested here comes of its resting."""

POLL = 0.1
"""The same of the job queue."""

WORKER = ("-P", "-m", "engine.receiver.workers.worker")
WORKER_IS_CALLED = "receiver-worker"
"""The name that a forked worker has for the system: its command line is that of all forks."""

_HIGH, _LONGEST, _MANY = 500, 65536, 64
_SET_NAME = 15


class Forked:
    """An engine that was forked, to those who started it."""

    def __init__(self, pid: int, said: int, news: int) -> None:
        """Know its process, and the descriptors on which it speaks and its end is told."""
        self.pid = pid
        self._said = said
        self._reading = asyncio.Lock()
        self._ended = asyncio.ensure_future(self._end(news))

    @property
    def returncode(self) -> int | None:
        """How it ended, once it has; a signal's number is below zero."""
        return self._ended.result() if self._ended.done() else None

    async def readline(self) -> bytes:
        """Return the next line that it says; nothing once it has gone."""
        async with self._reading:
            return await _line(self._said) if self._said >= 0 else b""

    async def wait(self) -> int:
        """Wait until it has ended."""
        return await asyncio.shield(self._ended)

    async def _end(self, news: int) -> int:
        try:
            return int(await _line(news))
        finally:
            os.close(news)
            async with self._reading:
                os.close(self._said)
                self._said = -1


class Warm:
    """The process that forks engines; it starts with the first that is asked for."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            # A process with threads cannot be forked safely.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        theirs.close()
        return ours

    async def engine(
        self,
        words: Sequence[str],
        *,
        errors: IO[bytes],
        environ: Mapping[str, str],
        spares: int,
        plan: Mapping[str, object] | None = None,
    ) -> Forked:
        """Fork an engine that runs `anteroom` with these words, and follows a plan. So many of the
        processes that it starts first are forks; those after them are started as ever."""
        if self._line is None:
            self._line = self._start()
        order = {"words": list(words), "environ": dict(environ), "spares": spares, "plan": plan}
        said, stdout = os.pipe()
        told, news = os.pipe()
        socket.send_fds(self._line, [json.dumps(order).encode()], [stdout, errors.fileno(), news])
        os.close(stdout)
        os.close(news)
        return Forked(int(await _line(told)), said, told)

    def close(self) -> None:
        """End it, and what of its engines is left."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()


async def _line(descriptor: int) -> bytes:
    """Read a line from a pipe, or what there is of it at the end."""
    loop, read = asyncio.get_running_loop(), b""
    while not read.endswith(b"\n"):
        readable = asyncio.Event()
        loop.add_reader(descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(descriptor)
        # Byte by byte: what comes after the line is for who reads next.
        if not (byte := os.read(descriptor, 1)):
            break
        read += byte
    return read


Role = Callable[[], None]


def main() -> None:
    """Fork what is asked for until nobody can ask any more; in a fork, be that."""
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    role = _forks(socket.socket(fileno=int(sys.argv[1])))
    # Whatever a fork is, it ends as a program does.
    if role is not None:
        role()


def _forks(line: socket.socket) -> Role | None:
    """Fork engines, and tell of their ends; return what to be in a fork."""
    poll, engines = select.poll(), dict[int, tuple[int, int]]()
    poll.register(line, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor in engines:
                poll.unregister(descriptor)
                pid, news = engines.pop(descriptor)
                _, status = os.waitpid(pid, 0)
                with suppress(BrokenPipeError):
                    os.write(news, f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os.close(news)
                os.close(descriptor)
                continue
            data, given, _, _ = socket.recv_fds(line, _LONGEST, 3)
            if not data:
                for pid, _ in engines.values():
                    with suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                return None
            stdout, stderr, news = given
            pid = os.fork()
            if pid == 0:
                os.setsid()
                line.detach()
                return _engine(json.loads(data), stdout, stderr)
            os.write(news, f"{pid}\n".encode())
            os.close(stdout)
            os.close(stderr)
            watch = os.pidfd_open(pid)
            engines[watch] = pid, news
            poll.register(watch, select.POLLIN)


def _engine(order: dict[str, Any], stdout: int, stderr: int) -> Role:
    """Be an engine; or, in a fork of it, what it starts."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, _HIGH)
    os.environ.clear()
    os.environ.update(order["environ"])
    spares: list[tuple[int, socket.socket]] = []
    for _ in range(order["spares"]):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            for _, other in spares:
                other.close()
            ours.close()
            return lambda: _spare(theirs)
        theirs.close()
        spares.append((pid, ours))
    return lambda: _serve(order, spares)


def _serve(order: dict[str, Any], spares: list[tuple[int, socket.socket]]) -> None:
    from console.__main__ import main as anteroom  # noqa: PLC0415 (only in the fork)
    from engine.jobs.runner import JobRunner  # noqa: PLC0415
    from tests.line import killing  # noqa: PLC0415

    for name, seconds in RESTS.items():
        module, _, rest = name.rpartition(".")
        assert getattr(sys.modules[module], rest) > seconds
        setattr(sys.modules[module], rest, seconds)
    defaults: Any = JobRunner.__init__.__kwdefaults__
    defaults["poll"] = POLL
    if order["plan"] is not None:
        killing.follow(order["plan"])
    _let_spares_do_what_is_started(spares)
    sys.argv = ["anteroom", *order["words"]]
    anteroom()


def _let_spares_do_what_is_started(spares: list[tuple[int, socket.socket]]) -> None:
    start: Any = util.spawnv_passfds
    execute: Any = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def give(words: Sequence[str | bytes], descriptors: Sequence[int], environ: object) -> int:
        pid, line = spares.pop()
        told = list(map(os.fsdecode, words))
        order = {"words": told, "descriptors": list(descriptors), "environ": environ}
        socket.send_fds(line, [json.dumps(order).encode()], list(descriptors))
        line.close()
        return pid

    def start_of_pool(path: bytes, arguments: Sequence[str], descriptors: Sequence[int]) -> int:
        if not spares or "--multiprocessing-fork" not in arguments:
            return int(start(path, arguments, descriptors))
        return give(arguments, descriptors, None)

    def start_of_worker(self: Any, arguments: Any, *given: Any) -> None:
        if not spares or tuple(arguments[1:4]) != WORKER:
            execute(self, arguments, *given)
            return
        _, _, _, descriptors, _, environ, *rest = given
        self.pid = give(arguments, sorted(descriptors), environ)
        self._child_created = True
        self._close_pipe_fds(*rest[3:9])

    util.spawnv_passfds = start_of_pool  # type: ignore[assignment]
    subprocess.Popen._execute_child = start_of_worker  # type: ignore[attr-defined]


def _spare(line: socket.socket) -> None:
    """Wait until there is something to be started, and be that; end when the engine has."""
    data, given, _, _ = socket.recv_fds(line, _LONGEST, _MANY)
    line.close()
    if not data:
        return
    order = json.loads(data)
    lifted = [fcntl.fcntl(each, fcntl.F_DUPFD, _HIGH) for each in given]
    os.closerange(3, _HIGH)
    for each, number in zip(lifted, order["descriptors"], strict=True):
        os.dup2(each, number)
        os.close(each)
    words = order["words"]
    if order["environ"] is None:
        place = words.index("-c") + 1
        sys.argv = ["-c", *words[place + 1 :]]
        exec(words[place], {"__name__": "__main__"})
        return
    os.environ.clear()
    os.environ.update(order["environ"])
    ctypes.CDLL(None).prctl(_SET_NAME, WORKER_IS_CALLED.encode())
    sys.argv = words[3:]
    importlib.import_module(WORKER[-1]).main()


if __name__ == "__main__":
    main()
