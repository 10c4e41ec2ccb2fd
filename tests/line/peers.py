# SPDX-License-Identifier: Apache-2.0
"""Programs of others that send, as their users call them, and objects for them: one small study in
every transfer syntax. What a program does to an object on its way is its own affair; what crosses
the wire is noted by a tap."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.encaps import encapsulate
from pydicom.uid import UID

from tests.line.sending import make_object
from tests.line.wire import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT

STORESCU = "/usr/bin/storescu"
DCMSEND = "/usr/bin/dcmsend"
GDCMSCU = "/usr/bin/gdcmscu"
"""python-gdcm brings another one of this name."""
ORTHANC = "/usr/sbin/Orthanc"
PATIENCE = 120.0
"""Seconds until a test with a program that does not end is ended."""

JPEG = "1.2.840.10008.1.2.4."
PROPOSALS = {
    "-x=": EXPLICIT,
    "-xe": EXPLICIT,
    "-xb": BIG_ENDIAN,
    "-xi": IMPLICIT,
    "-xd": DEFLATED,
    "-xs": JPEG + "70",
    "-xy": JPEG + "50",
    "-xx": JPEG + "51",
    "-xt": JPEG + "80",
    "-xu": JPEG + "81",
    "-xv": JPEG + "90",
    "-xw": JPEG + "91",
    "-xm": JPEG + "100",
    "-xh": JPEG + "101",
    "-xn": JPEG + "102",
    "-xl": JPEG + "103",
    "-x2": JPEG + "104",
    "-x3": JPEG + "105",
    "-xo": JPEG + "106",
    "-x4": JPEG + "107",
    "-x5": JPEG + "108",
    "-xr": "1.2.840.10008.1.2.5",
}
"""What storescu proposes, by its options, and the transfer syntax of the file that needs it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A program that has ended."""

    code: int
    said: str


async def started(*call: str) -> asyncio.subprocess.Process:
    """Start a program whose output can be read."""
    return await asyncio.create_subprocess_exec(
        *call,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # For dcmtk: a tap acknowledges less eagerly than a receiver, and 40 ms late each time.
        env=os.environ | {"TCP_NODELAY": "1"},
    )


async def run(*call: str) -> Ended:
    """Run a program to its end."""
    process = await started(*call)
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return Ended(code=process.returncode, said=said.decode("utf-8", "replace"))


def storescu(port: int, paths: Sequence[Path], *options: str) -> tuple[str, ...]:
    """Call dcmtk's storescu."""
    return (STORESCU, "-aec", "ANTEROOM", *options, "127.0.0.1", str(port), *map(str, paths))


def dcmsend(port: int, paths: Sequence[Path], *options: str) -> tuple[str, ...]:
    """Call dcmtk's dcmsend."""
    return (DCMSEND, "-aec", "ANTEROOM", *options, "127.0.0.1", str(port), *map(str, paths))


def gdcmscu(port: int, path: Path) -> tuple[str, ...]:
    """Call GDCM's gdcmscu."""
    where = ("127.0.0.1", str(port))
    return (GDCMSCU, "--store", "--call", "ANTEROOM", "--aetitle", "GDCM", *where, str(path))


def pynetdicom(port: int, path: Path, *options: str) -> tuple[str, ...]:
    """Call pynetdicom's storescu."""
    where = ("127.0.0.1", str(port))
    return (
        *(sys.executable, "-m", "pynetdicom", "storescu", "-aec", "ANTEROOM"),
        *(*options, *where, str(path)),
    )


def written(folder: Path, number: int, syntax: str = EXPLICIT, *, size: int = 64) -> Path:
    """Write object `number` of a study in a transfer syntax. Frames of those that are compressed
    are not what they claim to be, which neither sender nor receiver has a reason to look at."""
    made = make_object(1, number, size=size)
    compressed = syntax.startswith(JPEG) or syntax == PROPOSALS["-xr"]
    made.file_meta.TransferSyntaxUID = UID(syntax)
    if compressed:
        made.PixelData = encapsulate([b"\xff\xd8" + bytes([number % 256]) * 98])
        made["PixelData"].VR = "OB"
        made["PixelData"].is_undefined_length = True
    path = folder / f"{number:05}.dcm"
    made.save_as(path, enforce_file_format=True)
    return path


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Orthanc:
    """A running Orthanc that knows one modality, the receiver; asked over its HTTP interface."""

    def __init__(self, http: int) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def started(
        cls, folder: Path, port: int, *, dicom: int = 0, **modality: object
    ) -> AsyncIterator[Orthanc]:
        """Run one on an empty folder of its own, which sends to a port; it is called on `dicom`."""
        http = free_port()
        settings = {
            "Name": "TEST",
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "HttpPort": http,
            "DicomServerEnabled": bool(dicom),
            "DicomPort": dicom,
            "DicomAet": "ORTHANC",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "ConcurrentJobs": 4,
            "DicomModalities": {
                "anteroom": {"AET": "ANTEROOM", "Host": "127.0.0.1", "Port": port, **modality}
            },
        }
        (folder / "orthanc.json").write_text(json.dumps(settings), "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(ORTHANC, str(folder / "orthanc.json")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(PATIENCE):
                # It says so once it can be asked.
                while b"Orthanc has started" not in (line := await process.stderr.readline()):
                    assert line, "Orthanc ended at once"
            drained = asyncio.ensure_future(process.stderr.read())
            yield cls(http)
        finally:
            # It has nothing to lose, and needs seconds to end by itself.
            process.kill()
            await process.wait()
        await drained

    async def post(self, path: str, body: bytes) -> Any:
        """Ask it something; return its answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._http}{path}", data=body)
        return json.loads(await asyncio.to_thread(_read, request))

    async def ask(self, path: str) -> Any:
        """Return what it says of something."""
        return json.loads(
            await asyncio.to_thread(
                _read, urllib.request.Request(f"http://127.0.0.1:{self._http}{path}")
            )
        )

    async def take(self, file: bytes) -> str:
        """Hand it a file; return what it calls the object."""
        told = await self.post("/instances", file)
        return str(told["ID"])

    async def send(self, objects: Sequence[str]) -> dict[str, Any]:
        """Let it send objects; return its account of that."""
        order = json.dumps({"Resources": list(objects), "Synchronous": True}).encode()
        answer = await self.post("/modalities/anteroom/store", order)
        assert isinstance(answer, dict)
        return answer


def _read(request: urllib.request.Request) -> bytes:
    # No proxy of the surroundings stands between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE) as answer:
        data: bytes = answer.read()
    return data
