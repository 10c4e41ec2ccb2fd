# SPDX-License-Identifier: Apache-2.0
"""Objects of which a head is not enough for the site script: they are staged as they came, a helper
process runs the script over the whole, and what it leaves is stored, or the object is held."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import pack

from engine.dicom.guard import Guard
from engine.dicom.part10 import read_meta
from engine.intake.answers import OUT_OF_RESOURCES
from engine.intake.claims import StaleSnapshot
from engine.intake.incoming import Intake
from engine.intake.journal import Outcome
from engine.intake.slow_path import SlowPath
from engine.sandbox.client import PATIENCE
from tests.engine.dicom.datasets import DEFLATED, EXPLICIT, element
from tests.engine.intake.room import Room, data_set, meta
from tests.engine.intake.scripting import as_received, keep, run, send, stored

NAME, ID = 0x00100010, 0x00100020
PADDING = element(0xFFFC_FFFC, "OB", b"\0\0")
BLANKS = 'alterPixels["rectangle", "l=0, t=0, r=4, b=2", "solid", "v=0"]'


def image() -> bytes:
    """Return an image of 8 by 4 pixels, all of them white, that says what it is."""
    data = data_set(pixels=b"\xff" * 32)
    at = data.index(b"\xe0\x7f")
    described = element(0x0028_0002, "US", pack("<H", 1))
    described += element(0x0028_0004, "CS", b"MONOCHROME2 ")
    words = {0x10: 4, 0x11: 8, 0x100: 8, 0x101: 8, 0x102: 7, 0x103: 0}
    for number, word in words.items():
        described += element(0x0028_0000 | number, "US", pack("<H", word))
    return data[:at] + described + data[at:]


def with_overlay() -> bytes:
    """Return the same image of 7 bits, with an overlay in the eighth that the header describes."""
    data = image()
    for number, word in ((0x101, 7), (0x102, 6)):
        there = element(0x0028_0000 | number, "US", pack("<H", word + 1))
        data = data.replace(there, element(0x0028_0000 | number, "US", pack("<H", word)))
    at = data.index(b"\xe0\x7f")
    group = element(0x6000_0022, "LO", b"PLANTED ")
    for number, word in ((0x100, 8), (0x102, 7)):
        group += element(0x6000_0000 | number, "US", pack("<H", word))
    return data[:at] + group + data[at:]


def sequence_behind() -> bytes:
    """Return a sequence after the pixels, with a name in it."""
    name = element(NAME, "PN", b"PATIENT1")
    return element(0x7FE1_0010, "LO", b"ACME") + element(
        0x7FE1_1001, "SQ", b"\xfe\xff\x00\xe0" + pack("<I", len(name)) + name
    )


def test_what_follows_the_pixels_is_changed_where_the_script_names_it(room: Room) -> None:
    run(room, "- (FFFC,FFFC)\n- (0010,0020)")
    assert send(room, data_set() + PADDING).outcome is Outcome.STORED
    _, header = stored(room)
    assert ID not in header
    (file,) = room.files
    assert file.read_bytes().endswith(bytes(600))
    assert room.records[0].script == "changed"
    (original,) = room.intake.originals.of("pre_1")
    assert (data_set() + PADDING).startswith(as_received(file, original))
    assert any(one.element == PADDING for one in original.undo)
    assert list(room.staging.folder.iterdir()) == []


def test_sequences_after_the_pixels_are_gone_through(room: Room) -> None:
    run(room, "- */(0010,0010)")
    data = data_set() + sequence_behind() + PADDING
    assert send(room, data).outcome is Outcome.STORED
    (file,) = room.files
    assert b"PATIENT1" not in file.read_bytes()
    assert file.read_bytes().endswith(PADDING)
    assert list(room.staging.folder.iterdir()) == []


def test_the_script_may_depend_on_what_follows_the_pixels(room: Room) -> None:
    run(room, '(FFFC,FFFC) = "" ? (0010,0010) := "EMPTY" : reject[]')
    assert send(room, data_set() + element(0xFFFC_FFFC, "OB", b"ab")).outcome is Outcome.REJECTED
    (record,) = room.records
    assert record.rule == "site v7:2"
    assert room.is_clean()


def test_what_is_unchanged_is_stored_as_it_came(room: Room) -> None:
    run(room, "- (FFFE,0001)\n- (FFFC,0001)")
    assert send(room, data_set() + PADDING).outcome is Outcome.STORED
    (file,) = room.files
    assert file.read_bytes() == meta() + data_set() + PADDING
    assert room.records[0].script == "unchanged"


def test_pixels_are_blanked_before_anybody_can_see_them(room: Room) -> None:
    run(room, f"{BLANKS}\n- (0010,0020)")
    assert send(room, image()).outcome is Outcome.STORED
    _, header = stored(room)
    assert (header.text(0x0028_0301), ID in header) == ("NO", False)
    (file,) = room.files
    assert file.read_bytes().endswith((b"\0" * 4 + b"\xff" * 4) * 2 + b"\xff" * 16)
    (original,) = room.intake.originals.of("pre_1")
    assert image().startswith(as_received(file, original))
    assert list(room.staging.folder.iterdir()) == []


def test_an_overlay_in_the_pixels_goes_with_its_group(room: Room) -> None:
    run(room, "- (60X@,XXXX)")
    assert send(room, with_overlay()).outcome is Outcome.STORED
    (file,) = room.files
    data = file.read_bytes()
    assert data.endswith(b"\x7f" * 32) and b"PLANTED" not in data
    _, header = stored(room)
    assert 0x0028_0301 not in header
    (original,) = room.intake.originals.of("pre_1")
    received = as_received(file, original)
    assert received and with_overlay().startswith(received)


def test_an_overlay_that_cannot_be_cleared_is_held(room: Room) -> None:
    run(room, "- (60X@,XXXX)")
    data = with_overlay()
    at = data.index(b"\xe0\x7f\x10\x00")
    fragments = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x02\0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    data = data[:at] + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + fragments
    assert send(room, data).outcome is Outcome.HELD
    reason = room.records[0].reason
    assert reason.startswith("site v7") and "group 6000" in reason and "compressed" in reason
    assert room.files == []


def test_pixels_that_cannot_be_blanked_are_held(room: Room) -> None:
    run(room, BLANKS)
    short = image()[:-16].replace(pack("<I", 32), pack("<I", 16))
    assert send(room, short).outcome is Outcome.HELD
    (held,) = room.held
    assert held.read_bytes() == meta() + short
    assert room.records[0].reason.startswith("site v7: alterPixels")
    assert room.files == []
    assert list(room.staging.folder.iterdir()) == []


def test_deflated_objects_are_stored_inflated_once_they_are_changed(room: Room) -> None:
    run(room, "- (0010,0020)")
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(data_set()) + deflate.flush()
    assert send(room, data, DEFLATED).outcome is Outcome.STORED
    found, header = stored(room)
    assert (found.transfer_syntax, ID in header) == (EXPLICIT, False)
    (file,) = room.files
    assert file.read_bytes().endswith(bytes(600))


def test_an_error_in_the_whole_object_holds_it(room: Room) -> None:
    run(room, '- (FFFC,FFFC)\n(0010,0020) := substring["abc", 5, 9]')
    assert send(room, data_set() + PADDING).outcome is Outcome.HELD
    (record,) = room.records
    assert record.rule == "site v7:3"
    (held,) = room.held
    assert held.read_bytes() == meta() + data_set() + PADDING


@contextmanager
def helped_by(program: str, tmp_path: Path, guard: Guard, *, patience: float) -> Iterator[Room]:
    """Make a room whose helper is another program."""
    room = Room(tmp_path, guard)
    room.intake.close()
    room.intake = Intake(
        staging=room.staging,
        journal=room.journal,
        claims=room.rows,
        guard=guard,
        slow=SlowPath(patience=patience, command=(sys.executable, "-c", program)),
    )
    room.snapshot(1)
    run(room, "- (FFFC,FFFC)")
    yield room
    room.intake.close()
    room.journal.close()


def test_a_full_disk_is_no_fault_of_the_script(tmp_path: Path, guard: Guard) -> None:
    full = """
import errno, pathlib
from engine.sandbox import server
def chmod(self, mode): raise OSError(errno.ENOSPC, "PATIENT")
pathlib.Path.chmod = chmod
server.main()
"""
    with helped_by(full, tmp_path, guard, patience=PATIENCE) as room:
        assert send(room, data_set() + PADDING).status == OUT_OF_RESOURCES
        (record,) = room.records
        assert record.outcome is Outcome.FAILED
        assert record.reason == "storing failed: No space left on device"
        assert (room.files, room.held, list(room.staging.folder.iterdir())) == ([], [], [])


def test_a_helper_that_does_not_answer_is_ended_and_the_object_held(
    tmp_path: Path, guard: Guard
) -> None:
    mute = "import sys; sys.stdout.buffer.write(b'ready\\n'); sys.stdout.flush(); sys.stdin.read()"
    with helped_by(mute, tmp_path, guard, patience=0.02) as room:
        assert send(room, data_set() + PADDING).outcome is Outcome.HELD
        assert room.records[0].reason == "site v7: running the script took too long"
        assert room.files == []


def test_another_script_in_the_mean_time_runs_over_what_was_received(room: Room) -> None:
    run(room, '- (FFFC,FFFC)\n(0010,0010) := "OLD"')
    keep(room, "pre_2")
    changes = iter([True, False])

    def stale() -> None:
        if next(changes):
            run(room, '- (FFFC,FFFC)\n(0010,0020) := "NEW"')
            raise StaleSnapshot

    room.rows.before = stale
    assert room.send(data_set() + PADDING).outcome is Outcome.STORED
    _, header = stored(room)
    assert (header.text(NAME), header.text(ID)) == ("PATIENT1", "NEW")
    (file,) = room.files
    assert PADDING not in file.read_bytes()
    assert read_meta(file.read_bytes()).sop_instance == "1.2.3.4.5"
    assert list(room.staging.folder.iterdir()) == []
