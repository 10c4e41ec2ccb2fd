# SPDX-License-Identifier: Apache-2.0
"""One object on its way in: what is answered, what stands on disk, what the journal says, and that
these three always agree, whatever the sender, the store or the engine do."""

from __future__ import annotations

import random
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dicom.digest import DataSetDigest
from engine.dicom.guard import Guard
from engine.dicom.part10 import read_meta
from engine.intake.answers import (
    CANNOT_UNDERSTAND,
    MISMATCH,
    SUCCESS,
    ObjectContext,
    Origin,
)
from engine.intake.claims import Known
from engine.intake.incoming import _STEPS, State
from engine.intake.journal import Outcome
from engine.storage.file_system import Abilities
from tests.engine.dicom.datasets import BIG, DEFLATED, EXPLICIT, IMPLICIT, element
from tests.engine.intake.room import (
    MR,
    STUDY,
    Room,
    big_endian,
    data_set,
    implicit,
    meta,
)


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
    assert (record.size, record.digest) == (len(data), DataSetDigest(data).text)
    assert (record.series, record.number, record.stated) == ("1.2.3.4.9", -1, 0)
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
    room = Room(tmp_path, guard, abilities=Abilities(), max_header=4096)
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
    room = Room(tmp_path, guard, abilities=Abilities(), max_header=65_536)
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


def chunked(data: bytes, size: int) -> Sequence[memoryview]:
    return [memoryview(data)[at : at + size] for at in range(0, len(data), size)]


def test_a_large_object_streams(room: Room) -> None:
    piece = random.Random(3).randbytes(1 << 20)
    head = data_set(pixels=b"")[:-4] + struct.pack("<I", 48 << 20)
    incoming = room.begin()
    incoming.write(chunked(head, 50))
    digest = DataSetDigest(head)
    for _ in range(48):
        incoming.write(chunked(piece, 16_000))
        digest.update(piece)
    assert incoming.finish().outcome is Outcome.STORED
    (record,) = room.records
    assert record.digest == digest.text
    assert room.files[0].stat().st_size == len(meta()) + len(head) + (48 << 20)


def test_every_state_has_its_step() -> None:
    assert set(_STEPS) == set(State)


def test_file_names_and_durability_are_those_of_the_receiver(room: Room) -> None:
    synced: list[str] = []
    origin = Origin(
        transfer="tr_1", account="mri", file_name_template="own-${SOPInstanceUID}", durable=False
    )
    context = ObjectContext(sop_class=MR, sop_instance="1.2.3.4.5", transfer_syntax=EXPLICIT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: synced.append("folder"))
        patch.setattr("os.fdatasync", lambda _: synced.append("file"))
        incoming = room.intake.begin(origin, context=context)
        incoming.write([memoryview(data_set())])
        assert incoming.finish().outcome is Outcome.STORED
    assert not synced
    assert [file.name for file in room.files] == ["own-1.2.3.4.5.dcm"]
    assert room.rows.requests[0].account == "mri"
    in_force = room.intake.in_force
    assert in_force.for_origin(origin) is in_force.for_origin(origin)
    assert in_force.for_origin(origin).site is in_force.site
    assert in_force.for_origin(Origin(transfer="tr_2")) is in_force
    assert in_force.snapshot.durable
