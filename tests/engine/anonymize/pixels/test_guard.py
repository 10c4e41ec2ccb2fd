# SPDX-License-Identifier: Apache-2.0
"""The guard of pixel work: it does what is done without it, dies alone, and leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.blanking import Blanking, blank_file
from engine.anonymize.pixels.guard import PixelGuard
from tests.engine.anonymize.images import FILES, JPEG, compressed, describe, native, pixels
from tests.engine.anonymize.pixels.test_blanking import box, noise

BOX = Blanking(left=1, top=2, right=6, bottom=5, values=(0,))


@pytest.fixture(scope="module")
def guard() -> Iterator[PixelGuard]:
    guard = PixelGuard()
    yield guard
    guard.close()


@pytest.mark.parametrize(
    "name", ["MR_small", "MR_small_RLE", "MR_small_jp2klossless", "examples_ybr_color", "test-SR"]
)
def test_the_same_as_without_it(guard: PixelGuard, tmp_path: Path, name: str) -> None:
    source = FILES / f"{name}.dcm"
    expected = blank_file(source, tmp_path / "expected", [BOX])
    assert guard.blank_file(source, tmp_path / "target", [BOX]) == expected
    assert (tmp_path / "target").exists() == expected.changed
    if expected.changed:
        assert (tmp_path / "target").read_bytes() == (tmp_path / "expected").read_bytes()


def test_record_and_colours_are_handed_on(guard: PixelGuard, tmp_path: Path) -> None:
    array = noise((1, 8, 8, 3), "u1")
    source = native(tmp_path / "source", array, describe(array))
    guard.blank_file(source, tmp_path / "target", [box(0, 0, 2, 2, 1, 2, 3)], record=False)
    assert pixels(tmp_path / "target")[0, 1, 1].tolist() == [1, 2, 3]
    assert (tmp_path / "target").stat().st_size == source.stat().st_size


def test_an_error_of_the_script_crosses(guard: PixelGuard, tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="99999 is no value") as caught:
        guard.blank_file(FILES / "MR_small.dcm", tmp_path / "target", [box(0, 0, 2, 2, 99999)])
    assert "-32768 to 32767" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_errors_of_files_cross(guard: PixelGuard, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        guard.blank_file(FILES / "MR_small.dcm", tmp_path / "no" / "target", [BOX])
    with pytest.raises(FileNotFoundError):
        guard.blank_file(tmp_path / "source", tmp_path / "target", [BOX])
    (tmp_path / "target").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        guard.blank_file(FILES / "MR_small.dcm", tmp_path / "target", [BOX])
    assert (tmp_path / "target").read_bytes() == b"mine"


def test_after_the_helper_died_another_one_works(guard: PixelGuard, tmp_path: Path) -> None:
    guard.blank_file(FILES / "MR_small.dcm", tmp_path / "first", [BOX])
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    guard.blank_file(FILES / "MR_small.dcm", tmp_path / "second", [BOX])
    assert guard.pid not in (None, first)


def test_too_much_memory_is_an_error_and_the_next_file_works(tmp_path: Path) -> None:
    array = np.zeros((1, 6000, 6000, 1), "u1")
    frame = imagecodecs.jpeg2k_encode(
        array[0, :, :, 0], level=0, reversible=True, codecformat="J2K"
    )
    described = describe(array, syntax=JPEG + "90")
    source = compressed(tmp_path / "source", described, [bytes(frame)])
    guard = PixelGuard(memory=240 * 1024 * 1024)
    try:
        with pytest.raises(ScriptError, match="memory"):
            guard.blank_file(source, tmp_path / "target", [BOX])
        assert not (tmp_path / "target").exists()
        assert guard.blank_file(FILES / "MR_small.dcm", tmp_path / "next", [BOX]).changed
    finally:
        guard.close()


def test_what_takes_too_long_is_ended_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    never = (
        "import sys, time; sys.stdout.write('ready\\n'); sys.stdout.flush(); "
        f"sys.stdin.readline(); open({str(target)!r}, 'w').close(); time.sleep(1000)"
    )
    guard = PixelGuard(patience=0.02, command=(sys.executable, "-c", never))
    try:
        with pytest.raises(ScriptError, match="altering the pixels took too long"):
            guard.blank_file(FILES / "MR_small.dcm", target, [BOX])
        assert guard.pid is None
        assert not target.exists()
    finally:
        guard.close()


def test_closed_it_does_nothing_more(tmp_path: Path) -> None:
    guard = PixelGuard()
    guard.close()
    with pytest.raises(ScriptError, match="closed"):
        guard.blank_file(FILES / "MR_small.dcm", tmp_path / "target", [BOX])
    assert guard.pid is None
