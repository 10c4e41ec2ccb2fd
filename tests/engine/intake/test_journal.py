# SPDX-License-Identifier: Apache-2.0
"""Journals: whatever happens to some of their bytes, every record that is whole is read."""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intake.journal import (
    Journal,
    NotSynced,
    Outcome,
    Record,
    is_being_written,
    read_all,
    read_batch,
)


def record(number: int, *, reason: str = "") -> Record:
    return Record(at=number, transfer="tr_1", outcome=Outcome.STORED, size=number, reason=reason)


def written(folder: Path, records: list[Record], name: str = "a") -> tuple[Path, list[int]]:
    """Write a journal; return its path and the offset after each record."""
    journal = Journal(folder / f"{name}.journal")
    ends = []
    for each in records:
        journal.append(each, sync=False)
        ends.append(journal.path.stat().st_size)
    journal.close()
    return journal.path, ends


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    records = [
        Record(
            at=1,
            transfer="tr_1",
            outcome=Outcome.DUPLICATE,
            session="pre_a",
            file="SCANS/1/DICOM/ü.dcm",
            digest="ab" * 32,
            size=1 << 40,
            reason="why",
            undoes=record(7),
        ),
        record(2),
    ]
    path, _ = written(tmp_path, records)
    assert list(read_all(path)) == records
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_records_of_an_older_version_are_read(tmp_path: Path) -> None:
    fields = {"at": 3, "transfer": "tr_1", "outcome": "stored", "session": "pre_a", "size": 3}
    payload = msgspec.msgpack.encode(fields)
    head = struct.pack("<4sII", b"\xa7AJ1", len(payload), zlib.crc32(payload))
    path = tmp_path / "old.journal"
    path.write_bytes(head + payload)
    (old,) = read_all(path)
    assert (old.session, old.series, old.number, old.stated) == ("pre_a", "", -1, 0)


def test_a_journal_is_never_begun_twice(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [record(1)])
    with pytest.raises(FileExistsError):
        Journal(path)
    assert list(read_all(path)) == [record(1)]


def test_a_batch_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    path, ends = written(tmp_path, [record(n) for n in range(5)])
    first = read_batch(path, 0, most=3)
    assert ([each.at for each in first.records], first.end) == ([0, 1, 2], ends[2])
    second = read_batch(path, first.end, most=3)
    assert ([each.at for each in second.records], second.end) == ([3, 4], ends[4])
    assert read_batch(path, second.end).records == ()


def test_what_is_not_whole_yet_is_read_once_it_is(tmp_path: Path) -> None:
    path, ends = written(tmp_path, [record(1), record(2)])
    data = path.read_bytes()
    for length in range(ends[0], ends[1]):
        path.write_bytes(data[:length])
        batch = read_batch(path, 0)
        assert (batch.records, batch.end, batch.damaged) == ((record(1),), ends[0], 0)
    path.write_bytes(data)
    assert read_batch(path, ends[0]).records == (record(2),)


@given(
    damages=st.lists(
        st.tuples(
            st.integers(0, 19), st.sampled_from(("flip", "cut", "gap")), st.binary(max_size=40)
        ),
        max_size=8,
        unique_by=lambda damage: damage[0],
    ),
    place=st.floats(0, 1, exclude_max=True),
)
def test_every_undamaged_record_is_read(
    damages: list[tuple[int, str, bytes]], place: float
) -> None:
    records = [record(n, reason="r" * (n * 7 % 50)) for n in range(20)]
    with TemporaryDirectory() as folder:
        path, ends = written(Path(folder), records)
        data = path.read_bytes()
        frames = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        spoilt = set()
        for number, kind, garbage in damages:
            frame = frames[number]
            at = int(place * len(frame))
            if kind == "gap":
                # Something between two records, as a write leaves it that was cut short.
                frames[number] = frame + garbage
            else:
                spoilt.add(number)
                changed = bytes([frame[at] ^ 0xFF])
                frames[number] = frame[:at] + (changed + frame[at + 1 :] if kind == "flip" else b"")
        path.write_bytes(b"".join(frames))
        found = [each.at for each in read_all(path)]
    assert found == [n for n in range(20) if n not in spoilt]


def test_a_hole_of_any_size_is_passed_over(tmp_path: Path) -> None:
    path, ends = written(tmp_path, [record(1), record(2)])
    data = path.read_bytes()
    with path.open("wb") as file:
        file.write(data[: ends[0]])
        file.seek(5 << 20, os.SEEK_CUR)
        file.write(data[ends[0] :])
    first = read_batch(path, 0)
    assert (first.records, first.damaged) == ((record(1),), 0)
    second = read_batch(path, first.end)
    assert (second.records, second.damaged) == ((record(2),), 1)
    assert second.end == path.stat().st_size


def test_an_end_that_never_becomes_a_record_is_not_passed(tmp_path: Path) -> None:
    path, ends = written(tmp_path, [record(1)])
    with path.open("ab") as file:
        file.truncate(ends[0] + (5 << 20))
    batch = read_batch(path, ends[0])
    assert (batch.records, batch.end, batch.damaged) == ((), ends[0], 0)


def test_many_threads_need_no_lock(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")

    def append(thread: int) -> None:
        for number in range(200):
            journal.append(record(thread * 1000 + number, reason="x" * number), sync=False)

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    found = [each.at for each in read_all(journal.path)]
    assert len(found) == 800
    for first in range(0, 4000, 1000):
        # Those of one thread in its order.
        assert [at for at in found if at // 1000 * 1000 == first] == [*range(first, first + 200)]


def test_a_record_that_is_written_in_part_is_an_error_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "a.journal")
    journal.append(record(1), sync=False)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:20]))
        with pytest.raises(OSError, match="part") as error:
            journal.append(record(2), sync=True)
    assert error.value.errno == errno.ENOSPC
    journal.append(record(3), sync=False)
    journal.close()
    batch = read_batch(journal.path, 0)
    assert ([each.at for each in batch.records], batch.damaged) == ([1, 3], 1)


def test_a_record_that_no_reader_would_take_is_not_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")
    with pytest.raises(OSError, match="no reader"):
        journal.append(record(1, reason="x" * 70_000), sync=False)
    journal.append(record(2, reason="x" * 60_000), sync=False)
    journal.close()
    assert [each.at for each in read_all(journal.path)] == [2]


def test_not_synced_is_said_and_the_record_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "a.journal")

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fails)
    journal.append(record(1), sync=False)
    with pytest.raises(NotSynced) as error:
        journal.append(record(2), sync=True)
    assert error.value.errno == errno.EIO
    journal.close()
    assert [each.at for each in read_all(journal.path)] == [1, 2]


def test_a_journal_says_whether_its_worker_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")
    assert is_being_written(journal.path)
    journal.close()
    assert not is_being_written(journal.path)
    assert not is_being_written(tmp_path / "none.journal")


def test_a_journal_goes_on_in_another_file(tmp_path: Path) -> None:
    old, new = tmp_path / "a.journal", tmp_path / "b.journal"
    journal = Journal(old)
    journal.append(record(1), sync=True)
    journal.rotate(new)
    assert not is_being_written(old)
    assert is_being_written(new)
    journal.append(record(2), sync=True)
    assert journal.path == new
    assert (list(read_all(old)), list(read_all(new))) == ([record(1)], [record(2)])
    with pytest.raises(FileExistsError):
        journal.rotate(old)
    journal.append(record(3), sync=False)
    assert list(read_all(new)) == [record(2), record(3)]
    journal.close()
    assert not is_being_written(new)


def test_no_record_is_lost_while_a_journal_goes_on_in_other_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "0.journal")
    threads, each = 4, 150

    def append(first: int) -> None:
        for number in range(first, first + each):
            journal.append(record(number), sync=number % 5 == 0)

    running = [threading.Thread(target=append, args=(number * each,)) for number in range(threads)]
    for thread in running:
        thread.start()
    files = 0
    while any(thread.is_alive() for thread in running):
        files += 1
        journal.rotate(tmp_path / f"{files}.journal")
    for thread in running:
        thread.join()
    journal.close()
    found = [one.at for path in tmp_path.glob("*.journal") for one in read_all(path)]
    assert sorted(found) == list(range(threads * each))


def test_a_record_whose_old_file_could_not_be_synced_promises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "a.journal")
    synced: list[int] = []
    faults = [False, False, False, True]

    def sync(descriptor: int) -> None:
        if not synced or synced[-1] == -1:
            # Another thread goes on in another file between this one's write and its sync.
            journal.rotate(tmp_path / f"b{len(synced)}.journal")
        if faults.pop(0):
            raise OSError(errno.EIO, "lost")
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fdatasync", sync)
    old = os.stat(tmp_path / "a.journal").st_ino
    journal.append(record(1), sync=True)
    assert synced == [os.stat(tmp_path / "b0.journal").st_ino, old]
    synced.append(-1)
    with pytest.raises(NotSynced):
        journal.append(record(2), sync=True)
    journal.close()
    assert [*read_all(tmp_path / "a.journal")] == [record(1)]
