# SPDX-License-Identifier: Apache-2.0
"""A prearchive with an intake over it and no engine: rows in memory, real folders, data sets made
by hand."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path

from engine.dicom.guard import Guard
from engine.dicom.part10 import write_meta
from engine.dicom.walk import LONG_VRS
from engine.intake.answers import (
    Answer,
    ObjectContext,
    Origin,
)
from engine.intake.claims import Claim, ClaimRequest, Known
from engine.intake.incoming import Incoming, Intake
from engine.intake.journal import Journal, Outcome, Record, read_all
from engine.intake.snapshot import Snapshot
from engine.routing.router import RoutingConfig
from engine.storage.file_system import Abilities
from engine.storage.staging import StagingArea
from tests.engine.dicom.datasets import EXPLICIT, element

MR = "1.2.840.10008.5.1.4.1.1.4"
STUDY = "1.2.3.4"
SHORT_NAMES = "${StudyInstanceUID}-${HashSOPClassUIDWithSOPInstanceUID}"


def data_set(
    sop: str = "1.2.3.4.5", *, study: str = STUDY, sop_class: str = MR, pixels: bytes = bytes(600)
) -> bytes:
    """Write a small image in Explicit VR Little Endian."""
    parts = {
        0x0008_0016: ("UI", sop_class),
        0x0008_0018: ("UI", sop),
        0x0008_0020: ("DA", "20260102"),
        0x0008_0030: ("TM", "0912"),
        0x0008_103E: ("LO", "T1\x1b[31m sag"),
        0x0010_0010: ("PN", "PATIENT1"),
        0x0010_0020: ("LO", "ID1"),
        0x0020_000D: ("UI", study),
        0x0020_000E: ("UI", "1.2.3.4.9"),
        0x0020_0011: ("IS", "3"),
    }
    data = b""
    for tag, (vr, text) in parts.items():
        value = text.encode()
        value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
        data += element(tag, vr, value)
    return data + element(0x7FE0_0010, "OW", pixels)


def implicit(data: bytes) -> bytes:
    """Write the same elements in Implicit VR."""
    out, position = b"", 0
    while position < len(data):
        tag, vr = data[position : position + 4], data[position + 4 : position + 6]
        long = vr in LONG_VRS
        (length,) = struct.unpack_from("<I" if long else "<H", data, position + (8 if long else 6))
        start = position + (12 if long else 8)
        out += tag + struct.pack("<I", length) + data[start : start + length]
        position = start + length
    return out


def big_endian(data: bytes) -> bytes:
    """Write the same elements in Big Endian; the values are text, or zeros."""
    out, position = b"", 0
    while position < len(data):
        group, number, vr = struct.unpack_from("<HH2s", data, position)
        long = vr == b"OW"
        (length,) = struct.unpack_from("<I" if long else "<H", data, position + (8 if long else 6))
        start = position + (12 if long else 8)
        head = struct.pack(">HH2s", group, number, vr)
        head += struct.pack(">HI", 0, length) if long else struct.pack(">H", length)
        out += head + data[start : start + length]
        position = start + length
    return out


class Rows:
    """The engine's part: rows in a dictionary, folders on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[ClaimRequest] = []
        self.index: dict[str, tuple[Known, ...]] = {}
        self.before: Callable[[], None] = lambda: None
        self._turn = threading.Lock()
        self._rows: dict[tuple[str, str, str], Claim] = {}

    def claim(self, request: ClaimRequest) -> Claim:
        with self._turn:
            self.requests.append(request)
            self.before()
            key = (request.project, request.study_uid, request.label)
            held = self._rows.get(key)
            if held is None or not Path(held.folder).is_dir():
                folder = self.root / f"row{len(self.requests)}" / request.label
                folder.mkdir(parents=True)
                held = Claim(session=f"pre_{len(self.requests)}", folder=str(folder))
                self._rows[key] = held
            return held

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        return self.index.get(file, ())


class Room:
    """An intake with all around it."""

    def __init__(
        self, root: Path, guard: Guard, *, abilities: Abilities | None = None, **values: object
    ) -> None:
        self.root = root
        self.rows = Rows(root)
        (root / ".journals").mkdir()
        self.journal = Journal(root / ".journals" / "a.journal")
        self.staging = StagingArea(root / ".staging", "w1", abilities)
        self.intake = Intake(
            staging=self.staging, journal=self.journal, claims=self.rows, guard=guard
        )
        self.snapshot(1, **values)

    def snapshot(self, number: int, **values: object) -> None:
        plain: dict[str, object] = {
            "receivers": (),
            "routing": RoutingConfig(),
            "file_name_template": SHORT_NAMES,
        }
        self.intake.take(Snapshot(number=number, **plain | values))  # type: ignore[arg-type]

    def begin(
        self, sop: str = "1.2.3.4.5", syntax: str = EXPLICIT, sop_class: str = MR
    ) -> Incoming:
        context = ObjectContext(sop_class=sop_class, sop_instance=sop, transfer_syntax=syntax)
        return self.intake.begin(Origin(transfer="tr_1", calling="SCANNER"), context=context)

    def send(self, data: bytes, sop: str = "1.2.3.4.5", syntax: str = EXPLICIT) -> Answer:
        incoming = self.begin(sop, syntax)
        for start in range(0, len(data), 16_000):
            incoming.write([memoryview(data)[start : start + 16_000]])
        return incoming.finish()

    @property
    def records(self) -> list[Record]:
        return list(read_all(self.journal.path))

    @property
    def outcomes(self) -> list[Outcome]:
        return [record.outcome for record in self.records]

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.root.glob("row*/**/*") if path.is_file())

    @property
    def held(self) -> list[Path]:
        return list(self.staging.held.iterdir())

    def is_clean(self) -> bool:
        """Whether nothing of any object is kept."""
        return not self.files and not self.held and not list(self.staging.folder.iterdir())


def meta(sop: str = "1.2.3.4.5", syntax: str = EXPLICIT) -> bytes:
    return write_meta(sop_class=MR, sop_instance=sop, transfer_syntax=syntax, source_ae="SCANNER")
