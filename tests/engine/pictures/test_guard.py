# SPDX-License-Identifier: Apache-2.0
"""The guard of pictures: a file that lies ends the helper at most, and the answer says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from engine.model.pictures import PictureRequest
from engine.pictures.guard import PictureGuard, Spent
from engine.sandbox.client import GIB
from tests.engine.anonymize.images import FILES, compressed, describe, native

GOOD = FILES / "MR_small.dcm"


@pytest.fixture(scope="module")
def guard() -> Iterator[PictureGuard]:
    guard = PictureGuard()
    yield guard
    guard.close()


def test_after_the_helper_died_another_one_works(guard: PictureGuard, tmp_path: Path) -> None:
    assert guard.render(GOOD, PictureRequest(), tmp_path).why == ""
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert guard.render(GOOD, PictureRequest(), tmp_path).why == ""
    assert guard.pid not in (None, first)


def test_what_needs_too_much_memory_is_refused_and_the_next_file_shows(tmp_path: Path) -> None:
    array = np.zeros((1, 9000, 9000, 1), "<u2")
    big = native(tmp_path / "big.dcm", array, describe(array))
    guard = PictureGuard(Spent(memory=GIB // 2))
    try:
        assert guard.render(big, PictureRequest(), tmp_path).why
        assert guard.render(GOOD, PictureRequest(), tmp_path).why == ""
    finally:
        guard.close()


def test_a_frame_that_is_larger_than_its_header_says_is_not_decoded(
    guard: PictureGuard, tmp_path: Path
) -> None:
    one = np.zeros((1, 8, 8, 1), "<u2")
    frame = bytes(imagecodecs.jpeg2k_encode(np.zeros((4096, 4096), "<u2"), level=0))
    dataset = describe(one, syntax="1.2.840.10008.1.2.4.90")
    path = compressed(tmp_path / "lies.dcm", dataset, [frame])
    made = guard.render(path, PictureRequest(), tmp_path)
    assert "its size is not the one in the header" in made.why


def test_other_syntaxes_are_named(guard: PictureGuard, tmp_path: Path) -> None:
    one = np.zeros((1, 8, 8, 1), "u1")
    dataset = describe(one, syntax="1.2.840.10008.1.2.4.102")
    made = guard.render(
        compressed(tmp_path / "a.dcm", dataset, [b"12"]), PictureRequest(), tmp_path
    )
    assert "MPEG-4" in made.why and made.figures is not None


def test_a_file_that_is_gone_is_told(guard: PictureGuard, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        guard.render(tmp_path / "gone.dcm", PictureRequest(), tmp_path)


def test_nothing_of_the_object_is_told(guard: PictureGuard, tmp_path: Path) -> None:
    path = tmp_path / "no.dcm"
    path.write_bytes(b"DOE^JANE" * 100)
    assert "DOE" not in guard.render(path, PictureRequest(), tmp_path).why
