# SPDX-License-Identifier: Apache-2.0
"""The guard: what it reads is what pydicom reads; what it cannot read ends in a reason, in time,
and the next object is read again."""

from __future__ import annotations

import itertools
import os
import signal
import struct
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header
from engine.dicom.part10 import NOT_WALKED, read_meta
from tests.engine.dicom.datasets import (
    BIG,
    DEFLATED,
    EXPLICIT,
    FILES,
    IMPLICIT,
    Tree,
    datasets,
    element,
    item,
    part10_files,
    sequence,
    tree,
    written,
)

_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


def _normal(guard: Guard, folder: Path, data: bytes, syntax: str) -> Header:
    path = folder / "object"
    path.write_bytes(data)
    return Header.index(guard.normalise(path, syntax, 0), explicit=True)


def _deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def _other_files() -> list[Path]:
    return [
        path
        for path in part10_files()
        if path.name != "meta_missing_tsyntax.dcm"
        and read_meta(path.read_bytes()).transfer_syntax in NOT_WALKED
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", _other_files(), ids=lambda path: path.name)
def test_real_files_of_other_encodings(guard: Guard, path: Path) -> None:
    meta = read_meta(path.read_bytes())
    header = Header.index(
        guard.normalise(path, meta.transfer_syntax, meta.dataset_offset), explicit=True
    )
    expected = pydicom.dcmread(path, stop_before_pixels=True)
    _compare(header, expected)


def _compare(header: Header, expected: Dataset) -> None:
    wanted = [int(tag) for tag in expected.keys() if tag.element and tag.group < 0x7FE0]  # noqa: SIM118
    assert header.tags() == sorted(wanted)
    for entry in header.elements():
        other = expected[entry.tag]
        if other.VR == "SQ":
            for ours, theirs in zip(header.items(entry.tag), other.value, strict=True):
                _compare(ours, theirs)
        elif other.VR in ("US", "SS", "UL", "SL", "FL", "FD", "IS", "DS") and other.VM == 1:
            assert header.number(entry.tag) == float(other.value)
        elif other.VR in ("UI", "CS", "SH", "LO", "PN", "DA") and other.VM == 1:
            padding = " ^=" if other.VR == "PN" else " "
            assert header.text(entry.tag) == str(other.value).rstrip(padding).lstrip()


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(datasets(), st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED]))
def test_random_data_sets_come_out_the_same(
    guard: Guard, tmp_path: Path, dataset: Dataset, syntax: str
) -> None:
    if not len(dataset):
        return
    expected = _without_vrs(tree(Header.index(written(dataset, explicit=True), explicit=True)))
    data = written(dataset, explicit=syntax != IMPLICIT, little=syntax != BIG)
    header = _normal(guard, tmp_path, _deflate(data) if syntax == DEFLATED else data, syntax)
    assert _without_vrs(tree(header)) == expected


def _without_vrs(found: Tree) -> Tree:
    return {
        tag: ("", value if isinstance(value, bytes) else [_without_vrs(entry) for entry in value])
        for tag, (_, value) in found.items()
    }


def test_elements_out_of_order_are_put_in_order(guard: Guard, tmp_path: Path) -> None:
    data = element(0x00100020, "LO", b"ab") + element(0x00080060, "CS", b"MR")
    data += element(0x7FE00010, "OW", bytes(100))
    path = tmp_path / "object"
    path.write_bytes(b"before" + data)
    head = guard.head(path, EXPLICIT, 6)
    header = Header.index(head.data, explicit=True)
    assert header.tags() == [0x00080060, 0x00100020]
    assert head.end == len(data) - 112


def test_bulk_is_left_out_and_text_and_sequences_are_not(guard: Guard, tmp_path: Path) -> None:
    long = 100_000
    data = (
        sequence(0x00081140, [item(element(0x00104000, "UT", b"x" * long))])
        + element(0x00204000, "UT", b"y" * long)
        + element(0x00420011, "OB", bytes(long))
        + element(0x00420012, "LO", b"PDF ")
    )
    for encoded, syntax in ((data, EXPLICIT), (_deflate(data), DEFLATED)):
        header = _normal(guard, tmp_path, encoded, syntax)
        assert header.tags() == [0x00081140, 0x00204000, 0x00420012]
        assert header.items(0x00081140)[0][0x00104000].length == long
        assert header[0x00204000].length == long


def test_bulk_larger_than_memory_is_passed_over(guard: Guard, tmp_path: Path) -> None:
    path = tmp_path / "object"
    with path.open("wb") as file:
        file.write(element(0x00080018, "UI", b"1.2\0"))
        file.write(struct.pack("<HH2sHI", 0x42, 0x11, b"OB", 0, 3 * 1024 * _MIB))
        file.seek(3 * 1024 * _MIB, os.SEEK_CUR)
        file.write(element(0x00420012, "LO", b"PDF "))
    header = Header.index(guard.normalise(path, EXPLICIT, 0), explicit=True)
    assert header.tags() == [0x00080018, 0x00420012]


def test_explicit_vr_under_an_implicit_syntax(guard: Guard, tmp_path: Path) -> None:
    header = _normal(guard, tmp_path, element(0x00100020, "LO", b"ab"), IMPLICIT)
    assert header.text(0x00100020) == "ab"


def test_a_deflated_bomb_is_stopped(guard: Guard, tmp_path: Path) -> None:
    zeros = _deflate_zeros(400 * _MIB)
    start = element(0x00080018, "UI", b"1.2\0")
    for bomb in (
        struct.pack("<HH2sHI", 0x42, 0x11, b"OB", 0, 400 * _MIB),
        b"",
    ):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        head = squeeze.compress(start + bomb) + squeeze.flush(zlib.Z_FULL_FLUSH)
        path = tmp_path / "bomb"
        path.write_bytes(head + zeros)
        assert path.stat().st_size < _MIB
        with pytest.raises(Unreadable):
            guard.normalise(path, DEFLATED, 0)
    _still_reads(guard, tmp_path)


def _deflate_zeros(size: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join(squeeze.compress(bytes(_MIB)) for _ in range(size // _MIB)) + squeeze.flush()


@pytest.mark.parametrize("damage", ["cut", "noise"])
def test_damaged_deflated_data_is_unreadable(guard: Guard, tmp_path: Path, damage: str) -> None:
    data = _deflate(element(0x00204000, "UT", bytes(range(256)) * 100))
    bad = data[:-20] if damage == "cut" else b"\xff" * 200
    with pytest.raises(Unreadable, match="deflated"):
        _normal(guard, tmp_path, bad, DEFLATED)


@pytest.mark.parametrize("levels", [100, 1000, 50_000])
def test_deep_nests_are_unreadable(guard: Guard, tmp_path: Path, levels: int) -> None:
    start = struct.pack(">HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    start += struct.pack(">HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    end = struct.pack(">HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    with pytest.raises(Unreadable, match="nested too deeply"):
        _normal(guard, tmp_path, start * levels + end * levels, BIG)
    _still_reads(guard, tmp_path)


def test_too_much_memory_is_unreadable(tmp_path: Path) -> None:
    guard = Guard(memory=200 * _MIB)
    empty = struct.pack(">HHI", 0xFFFE, 0xE000, 0)
    bomb = struct.pack(">HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + empty * 200_000
    try:
        with pytest.raises(Unreadable, match="more memory than allowed"):
            _normal(guard, tmp_path, bomb, BIG)
        _still_reads(guard, tmp_path)
    finally:
        guard.close()


def test_a_request_beyond_its_time_is_unreadable(tmp_path: Path) -> None:
    guard = Guard(patience=1e-9)
    try:
        for _ in range(2):
            with pytest.raises(Unreadable, match="too long"):
                _normal(guard, tmp_path, element(0x00100020, "LO", b"ab"), EXPLICIT)
            assert guard.pid is None
    finally:
        guard.close()


def test_a_busy_machine_makes_nothing_unreadable(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each look at the clock is 11 seconds after the one before: more than the helper may compute.
    clock = SimpleNamespace(monotonic=itertools.count(0.0, 11.0).__next__)
    monkeypatch.setattr("engine.sandbox.client.time", clock)
    _still_reads(guard, tmp_path)


def test_a_helper_that_computes_without_end_is_unreadable(tmp_path: Path) -> None:
    spin = (
        "import json, sys\n"
        "from engine.sandbox.confinement import allow_cpu\n"
        "print('ready', flush=True)\n"
        "allow_cpu(json.loads(sys.stdin.readline())['seconds'])\n"
        "while True: pass\n"
    )
    guard = Guard(seconds=0, command=(sys.executable, "-c", spin))
    try:
        with pytest.raises(Unreadable, match="too much processor time"):
            _normal(guard, tmp_path, element(0x00100020, "LO", b"ab"), EXPLICIT)
        assert guard.pid is None
    finally:
        guard.close()


def test_a_helper_that_was_killed_is_started_again(guard: Guard, tmp_path: Path) -> None:
    _still_reads(guard, tmp_path)
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    _still_reads(guard, tmp_path)
    assert guard.pid not in (None, first)


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit",
        "print('ready', flush=True); input()",
        "print('ready', flush=True); input(); print('nonsense!' * 99, flush=True); input()",
    ],
    ids=["at once", "at the request", "after nonsense"],
)
def test_a_helper_that_dies_or_raves_is_survived(tmp_path: Path, code: str) -> None:
    guard = Guard(command=(sys.executable, "-c", code))
    try:
        for _ in range(2):
            with pytest.raises(Unreadable, match="limits of the helper"):
                _normal(guard, tmp_path, element(0x00100020, "LO", b"ab"), EXPLICIT)
    finally:
        guard.close()


def test_a_file_that_is_gone_is_unreadable(guard: Guard, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="the file cannot be read") as caught:
        guard.normalise(tmp_path / "DOE^JANE", EXPLICIT, 0)
    assert "DOE" not in caught.value.reason


def test_threads_share_one_helper(guard: Guard, tmp_path: Path) -> None:
    paths = []
    for number in range(40):
        path = tmp_path / f"{number}\udcff"
        path.write_bytes(element(0x00100020, "LO", b"%04d" % number))
        paths.append(path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: guard.normalise(path, EXPLICIT, 0), paths))
    assert [Header.index(data, explicit=True).integer(0x00100020) for data in found] == list(
        range(40)
    )


def test_a_closed_guard_answers_no_more(tmp_path: Path) -> None:
    guard = Guard()
    _still_reads(guard, tmp_path)
    pid = guard.pid
    assert pid is not None
    guard.close()
    guard.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Unreadable, match="closed"):
        _still_reads(guard, tmp_path)


def _still_reads(guard: Guard, folder: Path) -> None:
    header = _normal(guard, folder, (FILES / "MR_small_bigendian.dcm").read_bytes()[132:], BIG)
    assert len(header)
