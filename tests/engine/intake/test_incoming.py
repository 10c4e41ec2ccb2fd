"""One object on its way in: what is answered, what stands on disk, what the journal says, and that
these three always agree, whatever the sender, the store or the engine do."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dicom.guard import Guard
from engine.dicom.part10 import read_meta, write_meta
from engine.intake.claims import Claim, ClaimRequest, Known, NoClaim, StaleSnapshot
from engine.intake.incoming import (
    CANNOT_UNDERSTAND,
    MISMATCH,
    OUT_OF_RESOURCES,
    SUCCESS,
    Answer,
    Incoming,
    Intake,
    ObjectContext,
    Origin,
)
from engine.intake.journal import Journal, Outcome, Record, read_all
from engine.intake.routing import RoutingConfig
from engine.intake.snapshot import Snapshot
from engine.intake.staging import StagedFile, StagingArea
from tests.engine.dicom.datasets import BIG, DEFLATED, EXPLICIT, IMPLICIT, element

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
        long = vr == b"OW"
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

    def __init__(self, root: Path, guard: Guard, **values: object) -> None:
        self.root = root
        self.rows = Rows(root)
        (root / ".journals").mkdir()
        self.journal = Journal(root / ".journals" / "a.journal")
        self.staging = StagingArea(root / ".staging", "w1")
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


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


@pytest.fixture
def room(tmp_path: Path, guard: Guard) -> Iterator[Room]:
    made = Room(tmp_path, guard)
    yield made
    made.journal.close()


def meta(sop: str = "1.2.3.4.5", syntax: str = EXPLICIT) -> bytes:
    return write_meta(sop_class=MR, sop_instance=sop, transfer_syntax=syntax, source_ae="SCANNER")


def test_an_object_is_stored_as_it_was_sent(room: Room) -> None:
    data = data_set()
    answer = room.send(data)
    assert (answer.status, answer.outcome, answer.session) == (SUCCESS, Outcome.STORED, "pre_1")
    (file,) = room.files
    assert file.read_bytes() == meta() + data
    (record,) = room.records
    assert str(file).endswith(record.file)
    assert record.file.startswith(f"SCANS/3/DICOM/{STUDY}-")
    assert (record.session, record.outcome, record.snapshot) == ("pre_1", Outcome.STORED, 1)
    assert (record.size, record.digest) == (len(data), hashlib.sha256(data).hexdigest())
    assert list(room.staging.folder.iterdir()) == []


def test_the_claim_says_what_the_header_says(room: Room) -> None:
    incoming = room.begin()
    incoming.write([memoryview(data_set())])
    incoming.finish()
    (request,) = room.rows.requests
    assert (request.project, request.study_uid, request.snapshot) == ("", STUDY, 1)
    assert (request.subject, request.scan_date, request.scan_time) == (
        "PATIENT1",
        "20260102",
        "0912",
    )
    assert incoming.series == "T1[31m sag"
    assert incoming.size == len(data_set())


@given(cuts=st.lists(st.integers(0, 1000), max_size=12), group=st.integers(1, 4))
def test_any_chunking_gives_the_same_file(cuts: list[int], group: int) -> None:
    data = data_set(pixels=bytes(range(200)))
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:end] for start, end in pairwise(places)]
    with TemporaryDirectory() as folder:
        room = Room(Path(folder), Guard())
        incoming = room.begin()
        for start in range(0, len(chunks), group):
            # The buffer behind the chunks is used again as soon as they are written.
            buffers = [bytearray(chunk) for chunk in chunks[start : start + group]]
            incoming.write([memoryview(buffer) for buffer in buffers])
            for buffer in buffers:
                buffer[:] = b"\xff" * len(buffer)
        assert incoming.finish().outcome is Outcome.STORED
        assert [file.read_bytes() for file in room.files] == [meta() + data]
        room.journal.close()


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (IMPLICIT, implicit),
        (BIG, big_endian),
        (DEFLATED, lambda data: zlib.compress(data, wbits=-15)),
    ],
)
def test_other_encodings_are_kept_byte_for_byte(
    room: Room, syntax: str, encode: Callable[[bytes], bytes]
) -> None:
    data = encode(data_set())
    assert room.send(data, syntax=syntax).outcome is Outcome.STORED
    (file,) = room.files
    assert file.read_bytes() == meta(syntax=syntax) + data
    assert read_meta(file.read_bytes()).transfer_syntax == syntax


def test_the_same_object_again_is_a_duplicate(room: Room) -> None:
    for _ in range(3):
        assert room.send(data_set()).status == SUCCESS
    assert len(room.files) == 1
    assert room.outcomes == [Outcome.STORED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert {record.session for record in room.records} == {"pre_1"}


def test_one_uid_with_other_bytes_is_kept_beside(room: Room) -> None:
    other = data_set(pixels=b"\1" * 600)
    answers = [room.send(data) for data in (data_set(), other, data_set(), other)]
    assert {answer.status for answer in answers} == {SUCCESS}
    assert room.outcomes == [
        Outcome.STORED,
        Outcome.CONFLICT,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
    ]
    assert [file.read_bytes()[len(meta()) :] for file in room.files] == [other, data_set()]
    assert room.files[0].name == f"{room.files[1].stem}-2.dcm"


def test_another_uid_of_the_same_name_is_no_conflict(room: Room) -> None:
    room.snapshot(2, file_name_template="${StudyInstanceUID}")
    for sop in ("1.2.1", "1.2.2", "1.2.3", "1.2.2"):
        room.send(data_set(sop), sop)
    assert room.outcomes == [Outcome.STORED] * 3 + [Outcome.DUPLICATE]
    assert [file.name for file in room.files] == [
        f"{STUDY}-2.dcm",
        f"{STUDY}-3.dcm",
        f"{STUDY}.dcm",
    ]


def test_what_a_script_has_changed_is_known_by_the_index(room: Room) -> None:
    data = data_set()
    room.send(data)
    (record,) = room.records
    room.files[0].write_bytes(meta("9.9") + data_set("9.9"))
    assert room.send(data_set(pixels=b"\1" * 600)).outcome is Outcome.STORED
    room.rows.index[record.file] = (Known(received_sop=record.received_sop, digest=record.digest),)
    assert room.send(data).outcome is Outcome.DUPLICATE
    assert room.send(data_set(pixels=b"\2" * 600)).outcome is Outcome.CONFLICT


def test_a_stored_file_that_was_damaged_is_not_a_duplicate(room: Room) -> None:
    room.send(data_set())
    room.files[0].write_bytes(b"damaged")
    assert room.send(data_set()).outcome is Outcome.STORED
    assert len(room.files) == 2


def test_many_threads_with_one_object_keep_it_once(room: Room) -> None:
    data, answers = data_set(), []

    def send() -> None:
        answers.append(room.send(data))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {SUCCESS}
    assert len(room.files) == 1
    assert sorted(room.outcomes) == [Outcome.DUPLICATE] * 7 + [Outcome.STORED]


@pytest.mark.parametrize(
    ("data", "status", "comment"),
    [
        (b"", CANNOT_UNDERSTAND, "the data set is empty"),
        (b"\x08\x00\x18", CANNOT_UNDERSTAND, "the data set is not DICOM"),
        (b"<!DOCTYPE html>" * 50, CANNOT_UNDERSTAND, "the data set is not DICOM"),
        (
            data_set(study=""),
            CANNOT_UNDERSTAND,
            "Study Instance UID is missing",
        ),
        (data_set(study="1" * 129), CANNOT_UNDERSTAND, "Study Instance UID is malformed"),
        (data_set(study="1.2\n3"), CANNOT_UNDERSTAND, "Study Instance UID is malformed"),
        (data_set(""), CANNOT_UNDERSTAND, "SOP Class UID or SOP Instance UID is missing"),
        (
            data_set("1.2.99"),
            MISMATCH,
            "SOP Instance UID differs between command and data set",
        ),
        (
            data_set(sop_class="1.2"),
            MISMATCH,
            "SOP Class UID differs between command and data set",
        ),
    ],
)
def test_what_is_refused_is_told_and_not_kept(
    room: Room, data: bytes, status: int, comment: str
) -> None:
    answer = room.send(data)
    assert (answer.status, answer.comment, answer.outcome) == (status, comment, Outcome.REFUSED)
    (record,) = room.records
    assert (record.outcome, record.reason, record.size) == (Outcome.REFUSED, comment, len(data))
    assert room.is_clean()
    assert room.rows.requests == []


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_refused(room: Room, syntax: str, seed: int) -> None:
    answer = room.send(random.Random(seed).randbytes(100_000), syntax=syntax)
    assert (answer.status, answer.outcome) == (CANNOT_UNDERSTAND, Outcome.REFUSED)
    assert room.is_clean()


def test_a_uid_that_no_table_takes_is_refused(room: Room) -> None:
    sop = "1." + "2" * 200
    answer = room.send(data_set(sop), sop)
    assert (answer.status, answer.comment) == (CANNOT_UNDERSTAND, "SOP Instance UID is malformed")
    assert room.is_clean()


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (data_set()[:70], EXPLICIT),
        (data_set()[:-630] + b"\x10\x00\x10\x00??" * 9, EXPLICIT),
        (zlib.compress(data_set(), wbits=-15)[:40], DEFLATED),
        (random.Random(2).randbytes(100_000), DEFLATED),
        (b"\xff" * 3000, BIG),
    ],
)
def test_what_cannot_be_understood_is_held(room: Room, data: bytes, syntax: str) -> None:
    answer = room.send(data, syntax=syntax)
    assert (answer.status, answer.outcome) == (SUCCESS, Outcome.HELD)
    (record,) = room.records
    (held,) = room.held
    assert held.name == record.file
    assert held.read_bytes() == meta(syntax=syntax) + data
    assert record.reason
    assert room.files == []
    assert list(room.staging.folder.iterdir()) == []


def test_a_head_beyond_the_bound_goes_to_disk(tmp_path: Path, guard: Guard) -> None:
    room = Room(tmp_path, guard, max_header=4096)
    data = data_set()
    pixels = data.index(b"\xe0\x7f\x10\x00")
    large = element(0x0029_0010, "LO", b"OURS") + element(0x0029_1010, "OB", bytes(1 << 20))
    data = data[:pixels] + large + data[pixels:]
    incoming = room.begin()
    incoming.write([memoryview(data)[: pixels + 100]])
    # The length of the element alone has said so; nothing more is collected.
    (staged,) = room.staging.folder.iterdir()
    assert staged.stat().st_size == len(meta()) + pixels + 100
    incoming.write([memoryview(data)[pixels + 100 :]])
    assert incoming.finish().outcome is Outcome.STORED
    assert room.files[0].read_bytes() == meta() + data
    room.journal.close()


def test_a_sequence_without_end_does_not_gather_in_memory(tmp_path: Path, guard: Guard) -> None:
    room = Room(tmp_path, guard, max_header=65_536)
    incoming = room.begin()
    incoming.write([memoryview(element(0x0008_1140, "SQ", b"", undefined=True))])
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", 1000) + bytes(1000)
    for _ in range(200):
        incoming.write([memoryview(item)])
    (staged,) = room.staging.folder.iterdir()
    assert staged.stat().st_size > 190 * 1000
    incoming.abandon("the sender fell silent")
    assert room.is_clean()
    room.journal.close()


def test_an_object_whose_sender_goes_away_leaves_a_record_only(room: Room) -> None:
    incoming = room.begin()
    incoming.write([memoryview(data_set())])
    incoming.abandon("connection lost")
    (record,) = room.records
    assert (record.outcome, record.reason) == (Outcome.FAILED, "connection lost")
    assert room.is_clean()


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_store_is_told_at_the_end_and_freed_at_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_set()
    incoming = room.begin()
    incoming.write([memoryview(data)])
    with monkeypatch.context() as patch:
        patch.setattr(StagedFile, "write", full)
        incoming.write([memoryview(data)])
    assert room.is_clean()
    incoming.write([memoryview(data)])
    assert room.is_clean()
    answer = incoming.finish()
    assert (answer.status, answer.comment) == (
        OUT_OF_RESOURCES,
        "storing failed: No space left on device",
    )
    (record,) = room.records
    assert (record.outcome, record.size) == (Outcome.FAILED, 3 * len(data))
    assert room.rows.requests == []


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "link", "open"])
def test_nothing_is_kept_of_what_could_not_be_made_durable(
    room: Room, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        answer = room.send(data_set())
    assert answer.status == OUT_OF_RESOURCES
    assert room.outcomes == [Outcome.FAILED]
    assert room.is_clean()
    assert room.send(data_set()).outcome is Outcome.STORED


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "link"])
def test_what_could_not_be_held_durably_is_not_kept(
    room: Room, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        answer = room.send(data_set()[:70])
    assert (answer.status, answer.outcome) == (OUT_OF_RESOURCES, Outcome.FAILED)
    assert room.is_clean()


@pytest.mark.parametrize("data", [data_set(), data_set()[:70]])
def test_what_the_journal_does_not_take_is_taken_back(
    room: Room, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        answer = room.send(data)
        # The error of the channel's engine, of an encoder: whatever it is, nothing may stay.
        patch.setattr(Journal, "append", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            room.send(data)
    assert answer.status == OUT_OF_RESOURCES
    assert room.is_clean()
    assert room.records == []


def test_a_duplicate_whose_record_is_not_on_disk_is_undone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.send(data_set())
    fdatasync, calls = os.fdatasync, iter(range(9))

    def second_fails(descriptor: int) -> None:
        if next(calls) == 1:
            full()
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", second_fails)
    assert room.send(data_set()).status == OUT_OF_RESOURCES
    assert room.outcomes == [Outcome.STORED, Outcome.DUPLICATE, Outcome.FAILED]
    assert room.records[2].undoes == room.records[1]
    assert len(room.files) == 1


def test_a_session_that_a_job_takes_away_is_claimed_again(room: Room) -> None:
    room.send(data_set("1.1"), "1.1")
    room.root.joinpath("row1").rename(room.root / "working")
    answer = room.send(data_set("1.2"), "1.2")
    assert (answer.outcome, answer.session) == (Outcome.STORED, "pre_2")
    assert len(room.rows.requests) == 2
    assert not (room.root / "row1").exists()


def test_a_session_that_is_taken_away_again_and_again(room: Room) -> None:
    claim = room.rows.claim

    def gone(request: ClaimRequest) -> Claim:
        made = claim(request)
        Path(made.folder).rmdir()
        return made

    room.rows.claim = gone  # type: ignore[method-assign]
    answer = room.send(data_set())
    assert (answer.status, answer.outcome) == (OUT_OF_RESOURCES, Outcome.FAILED)
    assert len(room.rows.requests) == 16


def test_a_stale_claim_is_routed_again(room: Room) -> None:
    def newer() -> None:
        if room.intake.snapshot.number == 1:
            room.snapshot(2, routing=RoutingConfig(projects={"PATIENT1": "P1"}))
            raise StaleSnapshot

    room.rows.before = newer
    assert room.send(data_set()).status == SUCCESS
    assert [request.snapshot for request in room.rows.requests] == [1, 2]
    assert room.records[0].snapshot == 2


def test_without_a_claim_nothing_is_kept(room: Room) -> None:
    def refuse() -> None:
        raise NoClaim("the engine is stopping")

    room.rows.before = refuse
    answer = room.send(data_set())
    assert (answer.status, answer.comment) == (OUT_OF_RESOURCES, "the engine is stopping")
    assert room.outcomes == [Outcome.FAILED]
    assert room.is_clean()


def test_without_durability_nothing_is_synced(
    tmp_path: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path, guard, durable=False)
    monkeypatch.setattr(os, "fdatasync", full)
    monkeypatch.setattr(os, "fsync", full)
    assert [room.send(data_set()).outcome for _ in range(2)] == [
        Outcome.STORED,
        Outcome.DUPLICATE,
    ]
    room.journal.close()


def test_no_lock_and_few_calls_on_the_way(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.send(data_set("1.1"), "1.1")
    calls: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        real: Callable[..., object] = getattr(os, name)

        def call(*arguments: object, **keywords: object) -> object:
            calls.append(name)
            return real(*arguments, **keywords)

        return call

    for name in ("open", "writev", "fdatasync", "fstat", "link", "fsync", "write", "close"):
        monkeypatch.setattr(os, name, counted(name))
    room.send(data_set("1.2"), "1.2")
    assert calls == [
        *("open", "writev", "fdatasync"),
        *("open", "fstat", "link", "fsync", "close"),
        *("write", "close"),
    ]


def test_names_in_staging_are_our_own(room: Room) -> None:
    names = {room.intake.next_name() for _ in range(1000)}
    other = Intake(
        staging=room.staging, journal=room.journal, claims=room.rows, guard=room.intake.guard
    )
    names |= {other.next_name() for _ in range(1000)}
    assert len(names) == 2000
    # The column of held objects takes 64 characters.
    assert max(map(len, names)) < 50


def chunked(data: bytes, size: int) -> Sequence[memoryview]:
    return [memoryview(data)[at : at + size] for at in range(0, len(data), size)]


def test_a_large_object_streams(room: Room) -> None:
    piece = random.Random(3).randbytes(1 << 20)
    head = data_set(pixels=b"")[:-4] + struct.pack("<I", 48 << 20)
    incoming = room.begin()
    incoming.write(chunked(head, 50))
    digest = hashlib.sha256(head)
    for _ in range(48):
        incoming.write(chunked(piece, 16_000))
        digest.update(piece)
    assert incoming.finish().outcome is Outcome.STORED
    (record,) = room.records
    assert record.digest == digest.hexdigest()
    assert room.files[0].stat().st_size == len(meta()) + len(head) + (48 << 20)
