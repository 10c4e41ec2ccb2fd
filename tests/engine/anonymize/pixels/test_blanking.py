# SPDX-License-Identifier: Apache-2.0
"""Blanking of native pixels: what is inside becomes the filling, what is outside keeps its bytes,
and what is not for sure is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels import native as native_pixels
from engine.anonymize.pixels.blanking import Blanking, blank_file
from tests.engine.anonymize.images import (
    EXPLICIT,
    FILES,
    IMPLICIT,
    Array,
    describe,
    native,
    pixels,
    read,
    write,
)

TAIL = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"tail"


def box(left: int, top: int, right: int, bottom: int, *values: int) -> Blanking:
    """Make a rectangle, filled with 0 where nothing else is said."""
    return Blanking(left=left, top=top, right=right, bottom=bottom, values=values or (0,))


def noise(shape: tuple[int, ...], kind: str, *, low: int = 1, high: int = 200) -> Array:
    """Return numbers that are random, but the same each time."""
    array = np.random.default_rng(7).integers(low, high, shape)
    return array.astype(kind)


def blanked(array: Array, *boxes: Blanking) -> Array:
    """Say what is expected: rectangles in frames, rows, columns and samples."""
    result = array.copy()
    for each in boxes:
        top, left = max(each.top, 0), max(each.left, 0)
        part = result[:, top : max(each.bottom, 0), left : max(each.right, 0)]
        part[...] = np.array(each.values).astype(array.dtype)
    return result


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    ("kind", "samples", "value"),
    [
        ("u1", 1, (255,)),
        ("<u2", 1, (4000,)),
        ("<i2", 1, (-2000,)),
        ("<u4", 1, (2**31,)),
        ("i1", 1, (-128,)),
        ("u1", 3, (7,)),
        ("u1", 3, (1, 2, 3)),
        ("<u2", 3, (1000, 2000, 3000)),
    ],
)
def test_only_the_rectangles_change(
    tmp_path: Path, kind: str, samples: int, value: tuple[int, ...], syntax: str, planar: int
) -> None:
    array = noise((3, 11, 13, samples), kind, high=100)
    described = describe(array, planar=planar, syntax=syntax)
    source = native(tmp_path / "source", array, described, tail=TAIL if syntax == EXPLICIT else b"")
    boxes = (box(2, 3, 7, 5, *value), box(10, 8, 99, 99, *value), box(-4, -1, 1, 1, *value))
    done = blank_file(source, tmp_path / "target", boxes)
    assert (done.changed, done.transfer_syntax, done.frames, done.notes) == (True, syntax, 3, ())
    assert (pixels(source) == array).all()
    assert (pixels(tmp_path / "target") == blanked(array, *boxes)).all()
    if syntax == EXPLICIT:
        assert (tmp_path / "target").read_bytes().endswith(TAIL)


def test_right_and_bottom_stay(tmp_path: Path) -> None:
    array = noise((1, 5, 5, 1), "u1")
    source = native(tmp_path / "source", array, describe(array))
    blank_file(source, tmp_path / "target", [box(1, 1, 3, 2)])
    changed = np.argwhere(pixels(tmp_path / "target")[0, :, :, 0] == 0)
    assert changed.tolist() == [[1, 1], [1, 2]]


def test_without_a_record_only_pixels_change(tmp_path: Path) -> None:
    array = noise((2, 6, 8, 1), "<u2")
    source = native(tmp_path / "source", array, describe(array, stored=12), tail=TAIL)
    blank_file(source, tmp_path / "target", [box(0, 0, 8, 6, 0)], record=False)
    before, after = source.read_bytes(), (tmp_path / "target").read_bytes()
    value = before.index(array.tobytes())
    assert after == before[:value] + bytes(array.nbytes) + TAIL


def test_strips_of_rows_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_pixels, "STRIP", 70)
    array = noise((2, 40, 13, 3), "u1")
    source = native(tmp_path / "source", array, describe(array))
    blank_file(source, tmp_path / "target", [box(3, 5, 11, 37, 9, 8, 7)])
    assert (pixels(tmp_path / "target") == blanked(array, box(3, 5, 11, 37, 9, 8, 7))).all()


def test_a_palette_is_filled_by_index(tmp_path: Path) -> None:
    source = FILES / "examples_palette.dcm"
    blank_file(source, tmp_path / "target", [box(10, 20, 400, 30, 42)])
    assert (pixels(tmp_path / "target") == blanked(pixels(source), box(10, 20, 400, 30, 42))).all()


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("value", [0, 1])
def test_single_bits(tmp_path: Path, frames: int, value: int) -> None:
    array = noise((frames, 7, 11, 1), "u1", low=0, high=2)
    described = describe(array, stored=1)
    described.BitsAllocated = 1
    data = np.packbits(array.reshape(-1).view(np.uint8), bitorder="little").tobytes()
    source = write(tmp_path / "source", described, data)
    blank_file(source, tmp_path / "target", [box(3, 2, 10, 6, value)])
    assert (pixels(tmp_path / "target") == blanked(array, box(3, 2, 10, 6, value))).all()


def test_colours_of_luma_and_chroma_are_asked_for_as_rgb(tmp_path: Path) -> None:
    array = noise((1, 6, 6, 3), "u1")
    source = native(tmp_path / "source", array, describe(array, photometric="YBR_FULL"))
    boxes = [box(0, 0, 2, 2, 255, 0, 0), box(4, 4, 6, 6)]
    blank_file(source, tmp_path / "target", boxes)
    stored = np.frombuffer(read(tmp_path / "target").PixelData, "u1").reshape(1, 6, 6, 3)
    expected = blanked(array, box(0, 0, 2, 2, 76, 85, 255), box(4, 4, 6, 6, 0, 128, 128))
    assert (stored == expected).all()
    shown = pixels(tmp_path / "target")[0]
    assert np.abs(shown[0, 0].astype(int) - [255, 0, 0]).max() <= 2
    assert shown[5, 5].tolist() == [0, 0, 0]


def test_pixels_that_share_their_colour(tmp_path: Path) -> None:
    source, target = FILES / "SC_ybr_full_422_uncompressed.dcm", tmp_path / "target"
    blank_file(source, target, [box(3, 1, 8, 4)])
    before = np.frombuffer(read(source).PixelData, "u1").reshape(100, 50, 4)
    after = np.frombuffer(read(target).PixelData, "u1").reshape(100, 50, 4)
    lumas = before[..., :2].reshape(100, 100).copy()
    lumas[1:4, 3:8] = 0
    assert (after[..., :2].reshape(100, 100) == lumas).all()
    chroma = before[..., 2:].copy()
    chroma[1:4, 1:4] = 128
    assert (after[..., 2:] == chroma).all()
    assert (pixels(target)[0, 1:4, 3:8] == 0).all()


@pytest.mark.parametrize(("keyword", "kind"), [("Float", "<f4"), ("DoubleFloat", "<f8")])
def test_floats(tmp_path: Path, keyword: str, kind: str) -> None:
    array = noise((2, 5, 6, 1), kind)
    described = describe(array)
    del described.BitsStored, described.HighBit, described.PixelRepresentation
    setattr(described, f"{keyword}PixelData", array.tobytes())
    described.save_as(tmp_path / "source", enforce_file_format=True)
    blank_file(tmp_path / "source", tmp_path / "target", [box(1, 1, 4, 3, -3)])
    data = read(tmp_path / "target")[f"{keyword}PixelData"].value
    after = np.frombuffer(data, kind).reshape(array.shape)
    assert (after == blanked(array, box(1, 1, 4, 3, -3))).all()


def test_the_bits_above_and_below_the_stored_ones_go_too(tmp_path: Path) -> None:
    array = np.full((1, 4, 4, 1), 0xFFFF, "<u2")
    described = describe(array, stored=10)
    described.HighBit = 11
    source = native(tmp_path / "source", array, described)
    blank_file(source, tmp_path / "target", [box(0, 0, 2, 2, 5)])
    stored = np.frombuffer(read(tmp_path / "target").PixelData, "<u2").reshape(4, 4)
    assert stored[0].tolist() == [5 << 2, 5 << 2, 0xFFFF, 0xFFFF]


def test_the_record(tmp_path: Path) -> None:
    array = noise((1, 4, 4, 1), "u1")
    described = describe(array)
    described.DeidentificationMethod = "By hand"
    described.BurnedInAnnotation = "YES"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113100", "DCM", "Basic"
    described.DeidentificationMethodCodeSequence = Sequence([code])
    source = native(tmp_path / "source", array, described)
    blank_file(source, tmp_path / "once", [box(0, 0, 2, 2)])
    blank_file(tmp_path / "once", tmp_path / "twice", [box(0, 0, 2, 2)])
    assert (tmp_path / "once").read_bytes() == (tmp_path / "twice").read_bytes()
    after = read(tmp_path / "once")
    assert after.BurnedInAnnotation == "NO"
    assert list(after.DeidentificationMethod) == ["By hand", "Burned in text blacked out"]
    codes = after.DeidentificationMethodCodeSequence
    assert [(each.CodeValue, each.CodeMeaning) for each in codes] == [
        ("113100", "Basic"),
        ("113101", "Clean Pixel Data Option"),
    ]


def test_what_was_deflated_becomes_explicit_little_endian(tmp_path: Path) -> None:
    source, target = FILES / "image_dfl.dcm", tmp_path / "target"
    done = blank_file(source, target, [box(1, 0, 3, 2)])
    assert done.transfer_syntax == EXPLICIT == read(target).file_meta.TransferSyntaxUID
    assert (pixels(target) == blanked(pixels(source), box(1, 0, 3, 2))).all()
    assert read(target).get("PatientID") == read(source).get("PatientID")


@pytest.mark.parametrize("name", ["test-SR.dcm", "reportsi.dcm", "rtplan.dcm", "waveform_ecg.dcm"])
def test_without_pixels_nothing_is_written(tmp_path: Path, name: str) -> None:
    done = blank_file(FILES / name, tmp_path / "target", [box(0, 0, 5, 5)])
    assert (done.changed, done.notes) == (False, ("alterPixels: the object has no pixels",))
    assert list(tmp_path.iterdir()) == []


def test_beside_the_image_nothing_is_written(tmp_path: Path) -> None:
    done = blank_file(FILES / "CT_small.dcm", tmp_path / "target", [box(128, 0, 200, 9)])
    assert not done.changed
    assert "no rectangle" in done.notes[0]
    assert list(tmp_path.iterdir()) == []


def test_other_pictures_of_the_object_are_told_of(tmp_path: Path) -> None:
    done = blank_file(FILES / "examples_overlay.dcm", tmp_path / "target", [box(0, 0, 9, 9)])
    assert len(done.notes) == 2
    assert "icon" in done.notes[0]
    assert "overlays" in done.notes[1]


@pytest.mark.parametrize(
    ("kind", "changes", "values", "message"),
    [
        ("u1", {}, (256,), "256 is no value of this image"),
        ("u1", {}, (-1,), "-1 is no value of this image"),
        ("<i2", {"BitsStored": 12, "HighBit": 11}, (2048,), "2048 is no value"),
        ("u1", {}, (1, 2, 3), "a pixel of this image is one number"),
        ("u1", {"Rows": 0}, (0,), "does not say how"),
        ("u1", {"Rows": 65535, "Columns": 65535}, (0,), "fewer pixels"),
        ("u1", {"Rows": 3}, (0,), "more pixels"),
        ("u1", {"NumberOfFrames": 2}, (0,), "fewer pixels"),
        ("u1", {"NumberOfFrames": 0}, (0,), "number of frames cannot be"),
        ("u1", {"NumberOfFrames": 999999999}, (0,), "number of frames cannot be"),
        ("u1", {"BitsAllocated": 12}, (0,), "number of bits"),
        ("u1", {"BitsStored": 9}, (0,), "do not lie in"),
        ("u1", {"HighBit": 2}, (0,), "do not lie in"),
        ("u1", {"SamplesPerPixel": 2}, (0,), "neither one sample nor three"),
        ("u1", {"PhotometricInterpretation": "RGB"}, (0,), "unknown for one sample"),
        ("u1", {"PhotometricInterpretation": ""}, (0,), "unknown for one sample"),
    ],
)
def test_what_is_not_for_sure_is_refused(
    tmp_path: Path, kind: str, changes: dict[str, Any], values: tuple[int, ...], message: str
) -> None:
    array = noise((1, 4, 4, 1), kind)
    described = describe(array)
    for keyword, value in changes.items():
        setattr(described, keyword, value)
    source = native(tmp_path / "source", array, described)
    with pytest.raises(ScriptError, match=message):
        blank_file(source, tmp_path / "target", [box(0, 0, 2, 2, *values)])
    assert not (tmp_path / "target").exists()


def test_pixels_in_two_elements_are_refused(tmp_path: Path) -> None:
    array = noise((1, 4, 4, 1), "u1")
    more = struct.pack("<HH2sHI", 0x7FE0, 0x0020, b"OW", 0, 4) + b"more"
    source = native(tmp_path / "source", array, describe(array), tail=more)
    with pytest.raises(ScriptError, match="more than one element"):
        blank_file(source, tmp_path / "target", [box(0, 0, 2, 2)])


def test_padding_is_no_pixel(tmp_path: Path) -> None:
    source = FILES / "MR_small_padded.dcm"
    blank_file(source, tmp_path / "target", [box(0, 0, 9, 9)])
    before, after = read(source), read(tmp_path / "target")
    assert len(after.PixelData) == len(before.PixelData) > 8192
    assert after.PixelData[8192:] == before.PixelData[8192:]


@pytest.mark.parametrize("cut", [1, 100, 8000])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    data = (FILES / "MR_small.dcm").read_bytes()
    (tmp_path / "source").write_bytes(data[: data.index(b"\xe0\x7f\x10\0") + 8192 + 12 - cut])
    with pytest.raises(ScriptError, match="ends within"):
        blank_file(tmp_path / "source", tmp_path / "target", [box(0, 0, 9, 9)])


@pytest.mark.parametrize("damage", ["cut", "block"])
def test_damaged_deflation_is_refused(tmp_path: Path, damage: str) -> None:
    data = bytearray((FILES / "image_dfl.dcm").read_bytes())
    if damage == "cut":
        del data[-2000:]
    else:
        data[len(_meta_of(FILES / "image_dfl.dcm"))] = 7  # a kind of block that does not exist
    (tmp_path / "source").write_bytes(data)
    with pytest.raises(ScriptError, match="deflated data set"):
        blank_file(tmp_path / "source", tmp_path / "target", [box(0, 0, 9, 9)])


def test_deflation_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.dicom.inflation.MOST_INFLATED", 1 << 20)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = squeeze.compress(bytes(3 << 20)) + squeeze.flush()
    (tmp_path / "source").write_bytes(_meta_of(FILES / "image_dfl.dcm") + bomb)
    with pytest.raises(ScriptError, match="holds more than 1 MiB"):
        blank_file(tmp_path / "source", tmp_path / "target", [box(0, 0, 9, 9)])


def _meta_of(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: 144 + struct.unpack_from("<I", data, 140)[0]]


def test_what_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        blank_file(FILES / "CT_small.dcm", tmp_path / "target", [box(0, 0, 9, 9)])
    assert (tmp_path / "target").read_bytes() == b"mine"


@given(data=st.data())
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_rectangles_in_any_image(tmp_path: Path, data: st.DataObject) -> None:
    draw = data.draw
    samples = draw(st.sampled_from((1, 3)))
    shape = (*(draw(st.integers(1, most)) for most in (3, 9, 9)), samples)
    kind = draw(st.sampled_from(("u1", "<u2", "<u4") if samples == 3 else ("u1", "<i2", "<u2")))
    array = noise(shape, kind, high=100)
    side = st.integers(-3, 12)
    boxes = []
    for _ in range(draw(st.integers(1, 3))):
        left, right = sorted((draw(side), draw(side)))
        top, bottom = sorted((draw(side), draw(side)))
        boxes.append(
            box(
                left,
                top,
                right,
                bottom,
                *draw(st.lists(st.integers(0, 255), min_size=samples, max_size=samples)),
            )
        )
    described = describe(array, planar=draw(st.integers(0, 1)))
    source = native(tmp_path / "source", array, described)
    target = tmp_path / "target"
    target.unlink(missing_ok=True)
    expected = blanked(array, *boxes)
    if blank_file(source, target, boxes).changed:
        assert (pixels(target) == expected).all()
    else:
        assert (array == expected).all()
