# SPDX-License-Identifier: Apache-2.0
"""Real worker processes for tests: a desk that keeps its rows in memory and its folders on disk, an
ear for news that a test can wait on, and senders."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.filereader import read_file_meta_info
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.association import Association

from engine.dicom.names import FileNameTemplate
from engine.intake.channel import TransferNews, Turned
from engine.intake.claims import Claim, ClaimRequest, Known, NoClaim
from engine.intake.journal import Record, read_all
from engine.intake.snapshot import ReceiverConfig, Snapshot
from engine.receiver.ports import bind
from engine.receiver.workers.pool import ReceiverPool
from engine.routing.router import RoutingConfig

PATIENCE = 40.0
"""Seconds after which a test that waits has failed."""

ECHOSCU = "/usr/bin/echoscu"
STORESCU = "/usr/bin/storescu"


class MemoryDesk:
    """Rows in a dictionary; a row whose folder has gone is replaced, as the real desk does."""

    def __init__(self, prearchive: Path) -> None:
        self.prearchive = prearchive
        self.rows: dict[tuple[str, str, str], Claim] = {}
        self.claims: list[ClaimRequest] = []
        self.index: dict[tuple[str, str], tuple[Known, ...]] = {}
        self.refusal = ""
        self.folders: list[Path] = []

    async def claim(self, request: ClaimRequest) -> tuple[Claim, bool]:
        """Find or make a row."""
        self.claims.append(request)
        if self.refusal:
            raise NoClaim(self.refusal)
        key = (request.project, request.study_uid, request.label)
        held = self.rows.get(key)
        if held is not None and await asyncio.to_thread(Path(held.folder).is_dir):
            return held, False
        folder = self.prearchive / f"row{len(self.folders)}" / request.label
        folder.mkdir(parents=True)
        self.folders.append(folder)
        self.rows[key] = Claim(session=f"pre_{len(self.folders)}", folder=str(folder))
        return self.rows[key], True

    async def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Look into the index that the test has filled."""
        return self.index.get((session, file), ())

    @property
    def files(self) -> list[Path]:
        """All published files, renamed sessions included."""
        return sorted(
            path
            for path in self.prearchive.rglob("SCANS/*/DICOM/*")
            if ".staging" not in path.parts
        )


class Ears:
    """Remembers news; `until` waits for what is to come."""

    def __init__(self, prearchive: Path) -> None:
        self.prearchive = prearchive
        self.journals: list[str] = []
        self.ended_journals: list[str] = []
        self.transfer: dict[str, TransferNews] = {}
        self.history: list[TransferNews] = []
        self.turned_away: list[Turned] = []
        self.grown_calls = 0
        self.breaks: set[str] = set()
        self._changed = asyncio.Condition()

    async def hello(self, journal: str) -> None:
        """A worker has begun a journal."""
        await self._note("hello", lambda: self.journals.append(journal))

    async def grown(self) -> None:
        """There are new records."""

        def count() -> None:
            self.grown_calls += 1

        await self._note("grown", count)

    async def transfers(self, news: tuple[TransferNews, ...]) -> None:
        """Transfers went on."""

        def remember() -> None:
            self.history.extend(news)
            self.transfer.update((one.transfer, one) for one in news)

        await self._note("transfers", remember)

    async def turned(self, turned: tuple[Turned, ...]) -> None:
        """Somebody was turned away."""
        await self._note("turned", lambda: self.turned_away.extend(turned))

    async def ended(self, journal: str) -> None:
        """A worker has ended."""
        await self._note("ended", lambda: self.ended_journals.append(journal))

    async def _note(self, call: str, remember: Callable[[], object]) -> None:
        if call in self.breaks:
            self.breaks.discard(call)
            raise RuntimeError("broken once")
        remember()
        async with self._changed:
            self._changed.notify_all()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for news that make `reached` true."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(reached), PATIENCE)

    @property
    def records(self) -> list[Record]:
        """All records of all journals, as they stand on disk."""
        folder = self.prearchive / ".journals"
        return [record for path in sorted(folder.glob("*.journal")) for record in read_all(path)]

    @property
    def closed(self) -> list[TransferNews]:
        """Transfers that have ended."""
        return [news for news in self.transfer.values() if news.closed]


@dataclass(kw_only=True)
class House:
    """A running pool and what stands around it."""

    pool: ReceiverPool
    desk: MemoryDesk
    ears: Ears
    port: int
    prearchive: Path
    asked: asyncio.Queue[tuple[str, str]]
    """Requests for a storage commitment, and their workers."""

    async def store(self, *files: Path, ok: bool = True, port: int = 0) -> str:
        """Send files with storescu; return what it said."""
        call = [STORESCU, "-v", "-aet", "SCANNER", "-aec", "ANTEROOM", "127.0.0.1"]
        return await run(*call, str(port or self.port), *map(str, files), ok=ok)

    async def echo(self, *, ok: bool = True, called: str = "ANTEROOM", port: int = 0) -> str:
        """Send a C-ECHO."""
        call = [ECHOSCU, "-v", "-aet", "SCANNER", "-aec", called, "127.0.0.1"]
        return await run(*call, str(port or self.port), ok=ok)


async def associate(port: int) -> Association:
    """Open an association that stays open while the test does other things."""
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    association = await asyncio.to_thread(ae.associate, "127.0.0.1", port, ae_title="ANTEROOM")
    assert association.is_established
    return association


async def send(association: Association, path: Path) -> int | None:
    """Store an object; return the status, or None when there was no answer."""
    response = await asyncio.to_thread(association.send_c_store, pydicom.dcmread(path))
    return int(response.Status) if "Status" in response else None


async def run(*call: str, ok: bool = True) -> str:
    """Run a program to its end and check how it ended; return what it said."""
    process = await asyncio.create_subprocess_exec(
        *call, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode == 0) is ok, said.decode()
    return said.decode()


def snapshot(number: int, *receivers: ReceiverConfig) -> Snapshot:
    """Make a snapshot that routes nothing: all goes to Unassigned."""
    return Snapshot(
        number=number,
        receivers=receivers,
        routing=RoutingConfig(),
        file_name_template=FileNameTemplate.DEFAULT,
    )


def listening() -> tuple[int, socket.socket]:
    """Bind a free port of the loopback."""
    sock = bind("127.0.0.1", 0)
    return sock.getsockname()[1], sock


@asynccontextmanager
async def house(folder: Path, *, workers: int = 1) -> AsyncIterator[House]:
    """Run a pool with one receiver, ANTEROOM, on a free port."""
    prearchive = folder / "prearchive"
    port, sock = listening()
    desk, ears = MemoryDesk(prearchive), Ears(prearchive)
    asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    pool = ReceiverPool(
        prearchive=prearchive,
        node="test",
        workers=workers,
        desk=desk,
        news=ears,
        asked=lambda request, worker: asked.put_nowait((request, worker)),
    )
    try:
        await pool.start(snapshot(1, ReceiverConfig(ae_title="ANTEROOM", port=port)), {port: sock})
        yield House(pool=pool, desk=desk, ears=ears, port=port, prearchive=prearchive, asked=asked)
    finally:
        await pool.stop()


def sample(folder: Path, number: int = 1, *, pixel: int = 0) -> Path:
    """Write object `number` of one study; `pixel` is its last byte."""
    original = get_testdata_file("CT_small.dcm")
    assert isinstance(original, str)
    dataset = pydicom.dcmread(original)
    # DCMTK leaves padding out when it sends.
    del dataset.DataSetTrailingPadding
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstanceNumber = number
    dataset.PixelData = dataset.PixelData[:-1] + bytes([pixel])
    target = folder / f"{number}-{pixel}.dcm"
    dataset.save_as(target)
    return target


def data_set(path: Path) -> bytes:
    """Cut off preamble and group 2."""
    meta = read_file_meta_info(path)
    return path.read_bytes()[144 + int(meta.FileMetaInformationGroupLength) :]
