# SPDX-License-Identifier: Apache-2.0
"""One worker process as the engine sees it: started, connected by a socket pair, and waited for
until it has ended. The messages are handled in `pool`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

import engine
from engine.intake.channel import (
    Message,
    ToEngine,
    TransferNews,
    decode_to_engine,
    frame,
    frame_length,
)
from engine.receiver.workers.listener import control_pair, give_sockets
from engine.receiver.workers.orders import Orders

_HEAD = 4
_MODULE = "engine.receiver.workers.worker"


class WorkerLink:
    """A started worker. `journal` is empty until it has said hello."""

    def __init__(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        control: socket.socket,
    ) -> None:
        self.name = name
        self.journal = ""
        self.next_journal = ""
        """The one that it is to go on in; empty where it is not to change."""
        self.welcome = False
        """Whether it is spoken to: its journal is registered."""
        self.in_force = 0
        """Number of the snapshot that it has acknowledged."""
        self.ports: frozenset[int] | None = None
        """Ports that it listens on; None until it has said so once."""
        self.unanswered = 0
        """How often it was given sockets without having answered yet."""
        self.open: dict[str, TransferNews] = {}
        """Its transfers that have not ended, as last heard."""
        self._process = process
        self._reader, self._writer = streams
        self._control = control

    @classmethod
    async def spawn(cls, name: str, prearchive: Path, *, limits: int) -> WorkerLink:
        """Start a process that loads what it needs, and then waits to be told to begin.

        Raises:
            OSError: if that is not possible now.
        """
        ours, theirs = socket.socketpair()
        control, their_control = control_pair()
        try:
            orders = Orders(
                channel=theirs.fileno(),
                control=their_control.fileno(),
                limits=limits,
                prearchive=str(prearchive),
                name=name,
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                # The folder that we happen to stand in must not decide what is imported.
                "-P",
                "-m",
                _MODULE,
                orders.encode(),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), their_control.fileno(), limits),
                env=_environment(),
            )
            control.setblocking(False)
            streams = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            control.close()
            raise
        finally:
            # If we kept these copies, the pairs would stay open and the worker's death
            # would go unseen.
            theirs.close()
            their_control.close()
        return cls(name, process, streams, control)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def say(self, message: Message) -> None:
        """Send a message; a worker that has gone hears nothing, and `receive` tells of it."""
        if not self._writer.is_closing():
            self._writer.write(frame(message))

    def give(self, sockets: Mapping[int, socket.socket]) -> None:
        """Tell it to listen on exactly these; it answers with `Listening`."""
        self.unanswered += 1
        with suppress(OSError):  # it has gone, or it hangs: there will be no answer
            give_sockets(self._control, sockets)

    async def receive(self) -> ToEngine | None:
        """Wait for the next message; None when it has hung up.

        Raises:
            ValueError: if it said what no worker says.
        """
        try:
            head = await self._reader.readexactly(_HEAD)
            payload = await self._reader.readexactly(frame_length(head))
        except (asyncio.IncompleteReadError, OSError):
            return None
        try:
            return decode_to_engine(payload)
        except msgspec.MsgspecError as error:
            raise ValueError("a message that no worker says") from error

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, seconds: float) -> int:
        """Hang up, wait for its end, kill it after `seconds`; return its exit status."""
        self._writer.close()
        self._control.close()
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            self.kill()
        status = await self._process.wait()
        with suppress(OSError):
            await self._writer.wait_closed()
        return status


def _environment() -> dict[str, str]:
    source = str(Path(engine.__file__).parent.parent)
    path = os.environ.get("PYTHONPATH", "")
    return os.environ | {"PYTHONPATH": os.pathsep.join(part for part in (source, path) if part)}
