# SPDX-License-Identifier: Apache-2.0
"""Overlays in bits of the pixels that the image does not use: when the group that describes one
goes, its bit goes from every pixel, and nothing else does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.files import FileRun, Recipe
from engine.anonymize.pixels import native as native_pixels
from engine.anonymize.pixels.blanking import blank_file
from engine.anonymize.pixels.regions import Asked, Blanking, OverlayBit, asked_in, numbers_of, told
from engine.anonymize.profile.generator import SHIPPED, profile_script
from engine.anonymize.profile.table import Option
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import ChangeKind, ScriptOutcome
from tests.engine.anonymize.images import (
    EXPLICIT,
    IMPLICIT,
    JPEG,
    RLE,
    Array,
    compressed,
    describe,
    native,
)
from tests.engine.anonymize.subjects import ran

GROUP_GOES = 'version "6.7"\n- (60X@,XXXX)'
TAIL = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"tail"


def overlay(dataset: Dataset, bit: int, *, group: int = 0x6000, bits: int = 16) -> Dataset:
    """Describe an overlay in a bit of the pixels."""
    dataset.add_new((group, 0x0010), "US", dataset.Rows)
    dataset.add_new((group, 0x0011), "US", dataset.Columns)
    dataset.add_new((group, 0x0022), "LO", "PLANTED")
    dataset.add_new((group, 0x0040), "CS", "G")
    dataset.add_new((group, 0x0050), "SS", [1, 1])
    dataset.add_new((group, 0x0100), "US", bits)
    dataset.add_new((group, 0x0102), "US", bit)
    return dataset


def image(kind: str = "<u2", frames: int = 2) -> Array:
    """Return pixels of noise in all of their bits."""
    info = np.iinfo(np.dtype(kind))
    rng = np.random.default_rng(11)
    return rng.integers(info.min, info.max, (frames, 5, 7, 1), endpoint=True, dtype=np.dtype(kind))


def cleared(array: Array, bits: int = 0x8000) -> Array:
    """Return the same pixels without some bits."""
    words = array.view(f"<u{array.itemsize}")
    kept = np.array((1 << 8 * array.itemsize) - 1 - bits, words.dtype)
    return np.asarray(np.bitwise_and(words, kept))


def raw(path: Path) -> bytes:
    """Return the pixels as they stand in a file of an even number of them."""
    return bytes(pydicom.dcmread(path).PixelData)


def run(source: Path, target: Path, text: str = GROUP_GOES) -> AnonymizedFile:
    recipe = Recipe(
        name="site",
        text=text,
        changes=True,
        variables={"project": "P", "subject": "S", "session": "E"},
    )
    with closing(FileRun(recipe)) as runner:
        return runner.run(source, target)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Gives a source and a target; nothing else may be left beside them."""
    yield tmp_path / "in.dcm", tmp_path / "out.dcm"
    assert {path.name for path in tmp_path.iterdir()} <= {"in.dcm", "out.dcm"}


# ---------------------------------------------------------------------------------------- native


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    ("kind", "stored", "bit"),
    [("<u2", 12, 15), ("<u2", 12, 12), ("<i2", 12, 14), ("u1", 7, 7), ("<u4", 20, 31)],
)
def test_the_bit_of_an_overlay_goes_with_its_group(
    kind: str, stored: int, bit: int, syntax: str, files: tuple[Path, Path]
) -> None:
    source, target = files
    array = image(kind)
    dataset = overlay(describe(array, stored=stored, syntax=syntax), bit, bits=array.itemsize * 8)
    native(source, array, dataset, tail=TAIL if syntax == EXPLICIT else b"")
    done = run(source, target)
    assert (done.error, done.outcome) == (None, ScriptOutcome.CHANGED)
    read = pydicom.dcmread(target)
    assert raw(target) == cleared(array, 1 << bit).tobytes()
    assert not any(one.tag.group & 0xFF00 == 0x6000 for one in read)
    assert syntax != EXPLICIT or target.read_bytes().endswith(TAIL)
    # No rectangle was blanked, and nothing says so.
    assert "BurnedInAnnotation" not in read and "DeidentificationMethod" not in read
    assert [one.kind for one in done.changes if one.name == "PixelData"] == [ChangeKind.PIXELS]
    assert {one.statement.line for one in done.changes} == {2}


def test_bits_below_the_image_go_and_several_at_once(files: tuple[Path, Path]) -> None:
    source, target = files
    array = image()
    dataset = describe(array, stored=12)
    dataset.HighBit = 15
    overlay(overlay(dataset, 1), 3, group=0x6002)
    native(source, array, dataset)
    assert run(source, target).error is None
    assert raw(target) == cleared(array, 0b1010).tobytes()


def test_pixels_of_a_vendor_that_are_big_endian(files: tuple[Path, Path]) -> None:
    source, target = files
    array = image().byteswap()
    native(source, array, overlay(describe(array, stored=12, syntax=IMPLICIT), 15))
    vendor = source.read_bytes().replace(b"1.2.840.10008.1.2\0", b"1.2.840.113619.5.2", 1)
    source.write_bytes(vendor)
    assert run(source, target).error is None
    assert target.read_bytes().endswith(cleared(array.byteswap()).byteswap().tobytes())


def test_strips_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_pixels, "STRIP", 8)
    array = image()
    source = native(tmp_path / "source", array, describe(array, stored=12))
    assert blank_file(source, tmp_path / "target", [OverlayBit(group=0x6000, bit=15)]).changed
    assert raw(tmp_path / "target") == cleared(array).tobytes()


def test_rectangles_and_bits_together(tmp_path: Path) -> None:
    array = image()
    source = native(tmp_path / "source", array, describe(array, stored=12))
    box = Blanking(left=0, top=0, right=2, bottom=5, values=(7,))
    done = blank_file(source, tmp_path / "target", [box, OverlayBit(group=0x6000, bit=15)])
    wanted = cleared(array)
    wanted[:, :, :2] = 7
    assert done.changed and raw(tmp_path / "target") == wanted.tobytes()
    outside = Blanking(left=90, top=90, right=91, bottom=91, values=(7,))
    done = blank_file(source, tmp_path / "other", [outside, OverlayBit(group=0x6000, bit=15)])
    assert done.changed and raw(tmp_path / "other") == cleared(array).tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "source", "target"]


# --------------------------------------------------------------------------------- nothing to clear


@pytest.mark.parametrize(
    "text",
    [
        'version "6.7"\n- (6000,0022)',
        'version "6.7"\n- (6002,XXXX)',
        'version "6.7"\n(0010,0010) := "x"',
        'version "6.7"\n- (60X@,XXXX)\nreject[]',
    ],
)
def test_while_the_group_stays_its_bit_stays(text: str, files: tuple[Path, Path]) -> None:
    source, target = files
    array = image()
    native(source, array, overlay(describe(array, stored=12), 15))
    assert run(source, target, text).error is None
    assert not target.exists() or raw(target) == array.tobytes()


def test_bits_of_the_image_are_no_overlay(files: tuple[Path, Path]) -> None:
    source, target = files
    array = image()
    native(source, array, overlay(overlay(describe(array, stored=12), 11), 40, group=0x6002))
    assert run(source, target).error is None
    assert raw(target) == array.tobytes()


def test_an_overlay_with_data_of_its_own_is_not_in_the_pixels(files: tuple[Path, Path]) -> None:
    source, target = files
    array = image()
    dataset = overlay(describe(array, stored=12), 15)
    dataset.add_new((0x6000, 0x3000), "OW", bytes(6))
    native(source, array, dataset)
    assert run(source, target).error is None
    assert raw(target) == array.tobytes()


def test_without_a_set_bit_nothing_is_written(tmp_path: Path) -> None:
    array = cleared(image())
    source = native(tmp_path / "source", array, describe(array, stored=12))
    assert not blank_file(source, tmp_path / "target", [OverlayBit(group=0x6000, bit=15)]).changed
    assert not (tmp_path / "target").exists()


def test_without_pixels_there_is_nothing_to_clear(files: tuple[Path, Path]) -> None:
    source, target = files
    dataset = overlay(describe(image(), stored=12), 15)
    dataset.save_as(source, enforce_file_format=True)
    assert run(source, target).error is None
    assert 0x60000102 not in pydicom.dcmread(target)


# -------------------------------------------------------------------------------------- compressed


@pytest.mark.parametrize("syntax", [RLE, f"{JPEG}70", f"{JPEG}90"])
def test_of_compressed_pixels_it_is_an_error_that_says_so(
    syntax: str, files: tuple[Path, Path]
) -> None:
    source, target = files
    dataset = overlay(describe(image(frames=1), stored=12, syntax=syntax), 15, group=0x6004)
    compressed(source, dataset, [b"\0\1" * 40])
    error = run(source, target).error
    assert error is not None and error.line == 2
    assert "overlay of group 6004 lies in the pixels, which are compressed" in error.message
    assert "cannot be cleared" in error.message and not target.exists()


def test_compressed_pixels_without_such_an_overlay_are_no_error(files: tuple[Path, Path]) -> None:
    source, target = files
    dataset = overlay(describe(image(frames=1), stored=12, syntax=RLE), 0, bits=1)
    compressed(source, dataset, [b"\0\1" * 40])
    assert run(source, target).error is None


def test_bits_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    array = image()
    dataset = describe(array, stored=12)
    dataset.BitsAllocated = 24
    source = native(tmp_path / "source", array, dataset)
    with pytest.raises(ScriptError, match="24 bits allocated"):
        blank_file(source, tmp_path / "target", [OverlayBit(group=0x6000, bit=20)])
    assert not (tmp_path / "target").exists()


# ------------------------------------------------------------------------------------------ asking


@pytest.mark.parametrize("options", SHIPPED.values(), ids=SHIPPED)
def test_every_shipped_profile_clears_it(
    options: frozenset[Option], files: tuple[Path, Path]
) -> None:
    source, target = files
    array = image()
    native(source, array, overlay(describe(array, stored=12), 15))
    assert run(source, target, profile_script(options)).error is None
    assert raw(target) == cleared(array).tobytes()
    assert b"PLANTED" not in target.read_bytes()


def test_what_is_asked_for_names_the_statement_that_took_the_group() -> None:
    dataset = overlay(describe(image(), stored=12), 15)
    text = '(0010,0010) := "x"\n- (6000,0102)\n- (6000,XXXX)'
    (request,) = ran(text, dataset).applied.pixels
    assert request.asked == OverlayBit(group=0x6000, bit=15)
    assert request.statement.line == 3


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (OverlayBit(group=0x6002, bit=15), "bit 15 cleared, an overlay of group 6002"),
        (Blanking(left=1, top=2, right=3, bottom=4, values=(5,)), "1,2 to 3,4"),
        (Blanking(left=1, top=2, right=3, bottom=4, values=(5, 6, 7)), "1,2 to 3,4"),
    ],
)
def test_what_is_asked_for_crosses_to_another_process(asked: Asked, text: str) -> None:
    assert asked_in(numbers_of(asked)) == asked
    assert told(asked) == text
