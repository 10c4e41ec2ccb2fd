# SPDX-License-Identifier: Apache-2.0
"""Objects that are large where others are not: bulk before the pixels, and what deflated data sets
hold. They are filed, with and without a script, and nothing of them is in memory at once."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest

from engine.anonymize.faults import ScriptError
from engine.anonymize.stored import open_stored
from engine.dicom.guard import Guard
from engine.dicom.inflation import NotInflated, inflate_to, pieces
from engine.dicom.part10 import read_header
from engine.intake.incoming import Intake
from engine.intake.journal import Outcome
from engine.intake.slow_path import SlowPath
from engine.sessions.build.assemble import assemble
from tests.engine.dicom.datasets import DEFLATED, EXPLICIT, IMPLICIT, element, item, sequence
from tests.engine.intake.room import Room, data_set, implicit, meta
from tests.engine.intake.scripting import as_received, run, send, stored

_MIB = 1 << 20
PRIVATE = 0x7E01_1010


def with_bulk(size: int) -> bytes:
    """Return an image with a private sequence before the pixels that holds most of its bytes."""
    creator = element(0x7E01_0010, "LO", b"ACME VOLUMES")
    items = [item(creator + element(0x7E01_1012, "OB", bytes(each))) for each in (size, 1000)]
    data = data_set()
    at = data.index(b"\xe0\x7f\x10\x00")
    return data[:at] + creator + sequence(PRIVATE, items) + data[at:]


def built(room: Room, file: Path) -> None:
    result = assemble(file.parents[3], project="P", label="L", subject="S", guard=room.intake.guard)
    assert (result.file_count, result.problems) == (1, ())


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_bulk_before_the_pixels_is_filed_as_it_came(room: Room, syntax: str) -> None:
    data = with_bulk(17 * _MIB)
    data = implicit(data) if syntax == IMPLICIT else data
    assert room.send(data, syntax=syntax).outcome is Outcome.STORED
    (file,) = room.files
    assert file.read_bytes() == meta(syntax=syntax) + data
    # No helper is needed to read what can be read exactly, whatever its length.
    _, header = read_header(file)
    assert header.text(0x0010_0010) == "PATIENT1"
    assert header.end == data.index(b"\xe0\x7f\x10\x00")
    built(room, file)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    ("script", "bulky"), [("- (0010,0020)", True), ("removeAllPrivateTags", False)]
)
def test_bulk_before_the_pixels_goes_through_the_script(
    room: Room, script: str, bulky: bool, syntax: str
) -> None:
    run(room, script)
    data = with_bulk(17 * _MIB)
    data = implicit(data) if syntax == IMPLICIT else data
    assert send(room, data, syntax).outcome is Outcome.STORED
    assert room.records[0].script == "changed"
    (file,) = room.files
    assert (file.stat().st_size > 17 * _MIB) is bulky
    assert file.read_bytes().endswith(data[-600:])
    _, header = stored(room)
    assert (PRIVATE in header, 0x0010_0020 in header) == (bulky, not bulky)
    (original,) = room.intake.originals.of("pre_1")
    assert as_received(file, original) == data[: data.index(b"\xe0\x7f\x10\x00")]
    built(room, file)
    assert list(room.staging.folder.iterdir()) == []


def test_what_is_too_large_to_be_kept_is_removed_all_the_same(room: Room) -> None:
    run(room, "removeAllPrivateTags")
    assert send(room, with_bulk(65 * _MIB)).outcome is Outcome.STORED
    (file,) = room.files
    assert file.stat().st_size < 10_000
    assert list(room.intake.originals.of("pre_1")) == []


def deflated(data: bytes, zeros: int = 0) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    whole = squeeze.compress(data)
    whole += b"".join(squeeze.compress(bytes(_MIB)) for _ in range(zeros))
    return whole + squeeze.flush()


def test_what_was_deflated_takes_no_memory(tmp_path: Path, guard: Guard) -> None:
    """The helper may use what the data set holds and half as much more, which covers the file that
    it is inflated to and the program, and no copy in memory."""
    size = 128
    room = Room(tmp_path, guard)
    room.intake.close()
    room.intake = Intake(
        staging=room.staging,
        journal=room.journal,
        claims=room.rows,
        guard=guard,
        slow=SlowPath(memory=size * 3 // 2 * _MIB),
    )
    room.snapshot(1)
    run(room, "- (0010,0020)")
    head = data_set(pixels=b"")[:-4] + struct.pack("<I", size * _MIB)
    answer = send(room, deflated(head, size), DEFLATED)
    assert (answer.outcome, room.records[0].reason) == (Outcome.STORED, "")
    (file,) = room.files
    assert file.stat().st_size > size * _MIB
    found, header = stored(room)
    assert (found.transfer_syntax, 0x0010_0020 in header) == (EXPLICIT, False)
    room.intake.close()
    room.journal.close()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (deflated(b"", 3), "holds more than 2 MiB"),
        (deflated(bytes(range(256)) * 99)[:-20], "ends too early"),
        (b"\xff" * 200, "is damaged"),
        (b"", "ends too early"),
    ],
)
def test_what_is_inflated_has_a_limit_and_a_reason(data: bytes, reason: str) -> None:
    target = io.BytesIO()
    with pytest.raises(NotInflated) as caught:
        inflate_to(target, io.BytesIO(data), most=2 * _MIB)
    assert reason in caught.value.reason
    assert len(target.getvalue()) <= 2 * _MIB


def test_pieces_are_small_however_much_a_few_bytes_hold() -> None:
    found = [len(piece) for piece in pieces(io.BytesIO(deflated(b"head", 8)))]
    assert sum(found) == 8 * _MIB + 4
    assert max(found) <= _MIB


def test_a_bomb_is_refused_with_the_reason_and_leaves_nothing(
    tmp_path: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.dicom.inflation.MOST_INFLATED", 2 * _MIB)
    path = tmp_path / "bomb.dcm"
    path.write_bytes(meta(syntax=DEFLATED) + deflated(data_set(), 3))
    with pytest.raises(ScriptError) as caught:
        open_stored(path, guard=guard)
    assert caught.value.message == "the deflated data set holds more than 2 MiB"
    assert list(tmp_path.iterdir()) == [path]
