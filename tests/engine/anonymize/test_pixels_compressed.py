# SPDX-License-Identifier: Apache-2.0
"""Blanking of compressed pixels, held against other decoders: what loses nothing is compressed
again, what does is stored decompressed, and no frame passes that cannot be decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import generate_frames, parse_basic_offsets

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels import codecs
from engine.anonymize.pixels.blanking import Blanked, Blanking, blank_file
from engine.anonymize.pixels.codecs import Picture
from engine.anonymize.pixels.packbits import pack_frame
from tests.engine.anonymize.images import (
    EXPLICIT,
    FILES,
    JPEG,
    RLE,
    Array,
    compressed,
    describe,
    pixels,
    read,
)

Encode = Callable[[Array], bytes]

DECOMPRESSED = "alterPixels stored the pixels decompressed"
BOX = Blanking(left=1, top=2, right=6, bottom=5, values=(0,))
TAIL = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"tail"


def _smooth(shape: tuple[int, ...], kind: str, most: int) -> Array:
    rows = np.linspace(0.1, 0.6, shape[1])[None, :, None, None]
    columns = np.linspace(0, 0.3, shape[2])[None, None, :, None]
    step = np.arange(shape[0])[:, None, None, None] / 100
    return np.broadcast_to((rows + columns + step) * most, shape).astype(kind)


def _noise(shape: tuple[int, ...], kind: str, most: int) -> Array:
    low = -(most // 2) if kind.startswith(("i", "<i")) else 1
    return np.random.default_rng(5).integers(low, most // 2, shape).astype(kind)


def _bare(frame: Array) -> Array:
    return (frame[..., 0] if frame.shape[2] == 1 else frame).copy()


def _rle(frame: Array) -> bytes:
    return pack_frame(frame)


def _lossless_jpeg(bits: int) -> Encode:
    def encode(frame: Array) -> bytes:
        colour = "RGB" if frame.shape[2] == 3 else None
        unsigned = frame.view(f"u{frame.dtype.itemsize}") & ((1 << bits) - 1)
        data = imagecodecs.jpeg8_encode(
            _bare(unsigned),
            lossless=True,
            predictor=1,
            bitspersample=bits,
            colorspace=colour,
            outcolorspace=colour,
        )
        return bytes(data)

    return encode


def _jpeg_ls(frame: Array) -> bytes:
    return bytes(imagecodecs.jpegls_encode(_bare(frame.view(f"u{frame.dtype.itemsize}"))))


def _jpeg_2000(bits: int, *, mct: bool = True) -> Encode:
    def encode(frame: Array) -> bytes:
        data = imagecodecs.jpeg2k_encode(
            _bare(frame), level=0, reversible=True, codecformat="J2K", mct=mct, bitspersample=bits
        )
        return bytes(data)

    return encode


def _htj2k(frame: Array) -> bytes:
    rgb = True if frame.shape[2] == 3 else None
    return bytes(imagecodecs.htj2k_encode(_bare(frame), reversible=True, rgb=rgb, tlm=True))


LOSSLESS = [
    pytest.param(RLE, _rle, "u1", 1, 8, id="RLE"),
    pytest.param(RLE, _rle, "<i2", 1, 16, id="RLE signed"),
    pytest.param(RLE, _rle, "<u2", 3, 16, id="RLE colour"),
    pytest.param(JPEG + "57", _lossless_jpeg(8), "u1", 1, 8, id="JPEG 14"),
    pytest.param(JPEG + "70", _lossless_jpeg(12), "<u2", 1, 12, id="JPEG SV1"),
    pytest.param(JPEG + "70", _lossless_jpeg(12), "<i2", 1, 12, id="JPEG SV1 signed"),
    pytest.param(JPEG + "70", _lossless_jpeg(16), "<i2", 1, 16, id="JPEG SV1 signed 16"),
    pytest.param(JPEG + "70", _lossless_jpeg(8), "u1", 3, 8, id="JPEG SV1 colour"),
    pytest.param(JPEG + "80", _jpeg_ls, "u1", 1, 8, id="JPEG-LS"),
    pytest.param(JPEG + "80", _jpeg_ls, "<i2", 1, 16, id="JPEG-LS signed"),
    pytest.param(JPEG + "80", _jpeg_ls, "u1", 3, 8, id="JPEG-LS colour"),
    pytest.param(JPEG + "90", _jpeg_2000(12), "<u2", 1, 12, id="JPEG 2000"),
    pytest.param(JPEG + "90", _jpeg_2000(12), "<i2", 1, 12, id="JPEG 2000 signed"),
    pytest.param(JPEG + "90", _jpeg_2000(8), "u1", 3, 8, id="JPEG 2000 colour"),
    pytest.param(JPEG + "90", _jpeg_2000(8, mct=False), "u1", 3, 8, id="JPEG 2000 no RCT"),
    pytest.param(JPEG + "201", _htj2k, "u1", 1, 8, id="HTJ2K"),
    pytest.param(JPEG + "202", _htj2k, "<u2", 1, 16, id="HTJ2K RPCL"),
    pytest.param(JPEG + "201", _htj2k, "u1", 3, 8, id="HTJ2K colour"),
]


def _file(
    folder: Path, syntax: str, encode: Encode, array: Array, bits: int, **options: Any
) -> Path:
    described = describe(array, stored=bits, syntax=syntax)
    if array.shape[3] == 3 and syntax in (JPEG + "90", JPEG + "201") and not options.pop("rgb", 0):
        described.PhotometricInterpretation = "YBR_RCT"
    return compressed(folder / "source", described, [encode(frame) for frame in array], **options)


@pytest.mark.parametrize(("syntax", "encode", "kind", "samples", "bits"), LOSSLESS)
def test_what_loses_nothing_is_compressed_again(
    tmp_path: Path, syntax: str, encode: Encode, kind: str, samples: int, bits: int
) -> None:
    array = _noise((3, 17, 23, samples), kind, 1 << bits - 1)
    source = _file(tmp_path, syntax, encode, array, bits, tail=TAIL)
    value = -5 if "i" in kind else 200
    box = Blanking(left=3, top=2, right=30, bottom=9, values=(value,))
    done = blank_file(source, tmp_path / "target", [box, BOX])
    assert done == Blanked(changed=True, transfer_syntax=syntax, frames=3)
    expected = array.copy()
    expected[:, 2:9, 3:30] = value
    expected[:, 2:5, 1:6] = 0
    assert (pixels(source) == array).all()
    assert (pixels(tmp_path / "target") == expected).all()
    before, after = read(source), read(tmp_path / "target")
    assert after.file_meta == before.file_meta
    assert after.PhotometricInterpretation == before.PhotometricInterpretation
    assert after.BurnedInAnnotation == "NO"
    assert "LossyImageCompression" not in after
    assert (tmp_path / "target").read_bytes().endswith(TAIL)


@pytest.mark.parametrize(
    "name",
    [
        "GDCMJ2K_TextGBR",
        "J2K_pixelrep_mismatch",
        "MR_small_RLE",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
        "SC_rgb_jpeg_gdcm",
        "SC_rgb_rle",
        "SC_rgb_rle_16bit_2frame",
        "SC_rgb_rle_32bit_2frame",
        "examples_jpeg2k",
        "rtdose_rle",
    ],
)
def test_files_of_other_encoders_that_lose_nothing(tmp_path: Path, name: str) -> None:
    source, target = FILES / f"{name}.dcm", tmp_path / "target"
    done = blank_file(source, target, [BOX])
    assert done.transfer_syntax == read(source).file_meta.TransferSyntaxUID
    expected = pixels(source).copy()
    expected[:, 2:5, 1:6] = 0
    assert (pixels(target) == expected).all()


@pytest.mark.parametrize(
    ("name", "photometric", "method"),
    [
        ("693_J2KI", "MONOCHROME2", ""),
        ("JPEG2000", "MONOCHROME2", "ISO_15444_1"),
        ("JPEGLSNearLossless_08", "MONOCHROME2", "ISO_14495_1"),
        ("JPEGLSNearLossless_16", "MONOCHROME2", "ISO_14495_1"),
        ("SC_jpeg_no_color_transform", "RGB", "ISO_10918_1"),
        ("SC_rgb_dcmtk_+eb+cr", "RGB", "ISO_10918_1"),
        ("SC_rgb_dcmtk_+eb+cy+np", "RGB", "ISO_10918_1"),
        ("SC_rgb_dcmtk_+eb+cy+s2", "RGB", "ISO_10918_1"),
        ("SC_rgb_dcmtk_+eb+cy+s4", "RGB", "ISO_10918_1"),
        ("SC_rgb_jls_lossy_line", "RGB", "ISO_14495_1"),
        ("SC_rgb_jpeg_app14_dcmd", "RGB", "ISO_10918_1"),
        ("SC_rgb_small_odd_jpeg", "RGB", "ISO_10918_1"),
        ("examples_ybr_color", "RGB", "ISO_10918_1"),
    ],
)
def test_what_lost_something_is_stored_decompressed(
    tmp_path: Path, name: str, photometric: str, method: str
) -> None:
    source, target = FILES / f"{name}.dcm", tmp_path / "target"
    done = blank_file(source, target, [BOX])
    assert done.transfer_syntax == EXPLICIT
    assert DECOMPRESSED in done.notes
    expected = pixels(source).copy()
    expected[:, 2:5, 1:6] = 0
    assert (pixels(target) == expected).all()
    before, after = read(source), read(target)
    assert after.file_meta.TransferSyntaxUID == EXPLICIT
    assert after.PhotometricInterpretation == photometric
    assert after.get("PlanarConfiguration", 0) == 0
    assert after.LossyImageCompression == "01"
    kept = ("LossyImageCompressionRatio", "LossyImageCompressionMethod", "BitsStored")
    for keyword in kept:
        if before.get(keyword):
            assert after[keyword] == before[keyword]
    kept_method = before.get("LossyImageCompressionMethod") or method or None
    assert after.get("LossyImageCompressionMethod") == kept_method


def test_a_colour_of_its_own_in_what_was_luma_and_chroma(tmp_path: Path) -> None:
    box = Blanking(left=5, top=5, right=9, bottom=9, values=(255, 0, 127))
    blank_file(FILES / "examples_ybr_color.dcm", tmp_path / "target", [box])
    assert (pixels(tmp_path / "target")[:, 5:9, 5:9] == (255, 0, 127)).all()


def test_twelve_bits_with_loss(tmp_path: Path) -> None:
    array = _smooth((2, 24, 32, 1), "<u2", 4000)

    def encode(frame: Array) -> bytes:
        data = imagecodecs.jpeg8_encode(
            np.ascontiguousarray(frame[..., 0]), level=98, bitspersample=12
        )
        return bytes(data)

    source = _file(tmp_path, JPEG + "51", encode, array, 12)
    done = blank_file(source, tmp_path / "target", [BOX])
    assert done.transfer_syntax == EXPLICIT
    after = pixels(tmp_path / "target")
    assert (after[:, 2:5, 1:6] == 0).all()
    distance = np.abs(after.astype(int) - array.astype(int))
    distance[:, 2:5, 1:6] = 0
    assert 0 < distance.max() < 40


@pytest.mark.parametrize(
    ("pieces", "table", "extended"),
    [(1, True, False), (1, False, False), (3, True, False), (3, False, False), (1, False, True)],
)
def test_tables_of_offsets_are_right(
    tmp_path: Path, pieces: int, table: bool, extended: bool
) -> None:
    array = _noise((4, 20, 30, 1), "u1", 255)
    source = _file(
        tmp_path,
        JPEG + "90",
        _jpeg_2000(8),
        array,
        8,
        pieces=pieces,
        table=table,
        extended=extended,
        tail=TAIL,
    )
    blank_file(source, tmp_path / "target", [BOX])
    after = read(tmp_path / "target")
    frames = list(generate_frames(after.PixelData, number_of_frames=4))
    lengths = [len(frame) + len(frame) % 2 for frame in frames]
    offsets = [sum(lengths[:number]) + 8 * number for number in range(4)]
    assert parse_basic_offsets(after.PixelData) == (offsets if table else [])
    assert ("ExtendedOffsetTable" in after) == extended
    if extended:
        assert struct.unpack("<4Q", after.ExtendedOffsetTable) == tuple(offsets)
        assert struct.unpack("<4Q", after.ExtendedOffsetTableLengths) == tuple(lengths)
    expected = array.copy()
    expected[:, 2:5, 1:6] = 0
    assert (pixels(tmp_path / "target") == expected).all()


@pytest.mark.parametrize("extended", [False, True])
def test_tables_of_offsets_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extended: bool
) -> None:
    array = _noise((2, 20, 30, 1), "u1", 255)
    source = _file(tmp_path, RLE, _rle, array, 8, extended=extended)
    monkeypatch.setattr(f"engine.anonymize.pixels.{'file' if extended else 'frames'}.MAX_FRAMES", 1)
    with pytest.raises(ScriptError, match="table of offsets"):
        blank_file(source, tmp_path / "target", [BOX])


def test_extended_tables_go_with_the_compression(tmp_path: Path) -> None:
    array = _noise((2, 20, 30, 1), "u1", 255)
    source = _file(tmp_path, JPEG + "91", _jpeg_2000(8), array, 8, extended=True, table=False)
    blank_file(source, tmp_path / "target", [BOX])
    after = read(tmp_path / "target")
    assert "ExtendedOffsetTable" not in after
    assert "LossyImageCompression" not in after, "this frame has lost nothing, for all its syntax"
    expected = array.copy()
    expected[:, 2:5, 1:6] = 0
    assert (pixels(tmp_path / "target") == expected).all()


@pytest.mark.parametrize("wrong", [None, b"", "another picture"])
@pytest.mark.parametrize("good", [0, 1])
def test_what_cannot_be_compressed_exactly_is_stored_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bytes | str | None, good: int
) -> None:
    array = _noise((3, 20, 30, 1), "<i2", 1 << 11)
    source = _file(tmp_path, JPEG + "90", _jpeg_2000(12), array, 12)
    another = _jpeg_2000(12)(array[2])
    asked: list[str] = []

    def encode(picture: Picture, syntax: str) -> bytes | None:
        asked.append(syntax)
        if len(asked) <= good:
            return codecs.encode(picture, syntax)
        return another if isinstance(wrong, str) else wrong

    monkeypatch.setattr("engine.anonymize.pixels.blanking.encode", encode)
    done = blank_file(source, tmp_path / "target", [BOX])
    assert (done.transfer_syntax, done.notes) == (EXPLICIT, (DECOMPRESSED,))
    assert len(asked) == good + 1
    expected = array.copy()
    expected[:, 2:5, 1:6] = 0
    assert (pixels(tmp_path / "target") == expected).all()
    assert "LossyImageCompression" not in read(tmp_path / "target")


def test_jpeg_ls_of_twelve_bits_is_stored_decompressed(tmp_path: Path) -> None:
    """The encoder writes 8 or 16 bits only."""
    # CharLS wrote it through another binding.
    frame = bytes.fromhex(
        "ffd8fff7000b0c0005000601011100ffda0008010100000000000000001ffd08a41902ff3f40000032046210"
        "82200230889fcfc7d3e203104082000000064210444f67a3c9e04100ffd9"
    )
    array = (np.arange(30).reshape(1, 5, 6, 1) * 131 % 4096 - 2048).astype("<i2")
    source = _file(tmp_path, JPEG + "80", lambda _: frame, array, 12)
    box = Blanking(left=0, top=0, right=2, bottom=1, values=(-7,))
    done = blank_file(source, tmp_path / "target", [box])
    assert (done.transfer_syntax, done.notes) == (EXPLICIT, (DECOMPRESSED,))
    assert (pixels(source) == array).all()
    array[:, :1, :2] = -7
    assert (pixels(tmp_path / "target") == array).all()


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (JPEG + "100", "MPEG2"),
        (JPEG + "92", "JPEG 2000 Part 2"),
        (JPEG + "94", "JPIP"),
        ("1.2.840.10008.1.2.4.52", "JPEG Extended"),
        (JPEG + "199", JPEG + "199"),
    ],
)
def test_what_cannot_be_decoded_is_named(tmp_path: Path, syntax: str, name: str) -> None:
    array = _noise((1, 20, 30, 1), "u1", 255)
    source = _file(tmp_path, JPEG + "100", _jpeg_2000(8), array, 8)
    # Among them are such as pydicom does not write.
    uid, length = syntax.encode(), len(JPEG + "100")
    content = source.read_bytes().replace((JPEG + "100").encode(), uid.ljust(length, b"\0"))
    source.write_bytes(content)
    with pytest.raises(ScriptError, match=name):
        blank_file(source, tmp_path / "target", [BOX])
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Rows": 21}, "size is not the one"),
        ({"Columns": 29}, "size is not the one"),
        ({"Rows": 65535, "Columns": 65535}, "larger than allowed"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "number of samples"),
        ({"NumberOfFrames": 3}, "fewer frames"),
        ({"NumberOfFrames": 1}, "which of their pieces"),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, "one bit"),
    ],
)
def test_a_header_that_says_otherwise_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    array = _noise((2, 20, 30, 1), "u1", 255)
    described = describe(array, syntax=JPEG + "90")
    for keyword, value in changes.items():
        setattr(described, keyword, value)
    frames = [_jpeg_2000(8)(frame) for frame in array]
    source = compressed(tmp_path / "source", described, frames)
    with pytest.raises(ScriptError, match=message):
        blank_file(source, tmp_path / "target", [BOX])
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("syntax", "encode", "kind", "samples", "bits"), LOSSLESS)
def test_a_frame_that_is_cut_off_is_refused(
    tmp_path: Path, syntax: str, encode: Encode, kind: str, samples: int, bits: int
) -> None:
    array = _noise((2, 17, 23, samples), kind, 1 << bits - 1)

    def cut(frame: Array) -> bytes:
        data = encode(frame)
        return data if frame is array[0] else data[: len(data) // 2]

    source = _file(tmp_path, syntax, cut, array, bits)
    with pytest.raises(ScriptError, match="cannot be decoded"):
        blank_file(source, tmp_path / "target", [BOX])
    assert list(tmp_path.iterdir()) == [source]


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_noise_in_a_file_is_an_error_or_a_blanked_image(
    tmp_path: Path, data: st.DataObject
) -> None:
    array = _noise((2, 8, 9, 1), "u1", 255)
    syntax, encode = data.draw(
        st.sampled_from(
            [
                (RLE, _rle),
                (JPEG + "70", _lossless_jpeg(8)),
                (JPEG + "80", _jpeg_ls),
                (JPEG + "90", _jpeg_2000(8)),
            ]
        )
    )
    source = _file(tmp_path, syntax, encode, array, 8)
    content = bytearray(source.read_bytes())
    start = content.index(b"\xe0\x7f\x10\x00")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(start, len(content) - 1))] = data.draw(st.integers(0, 255))
    source.write_bytes(content)
    target = tmp_path / "target"
    target.unlink(missing_ok=True)
    try:
        done = blank_file(source, target, [BOX])
    except ScriptError:
        assert not target.exists()
    else:
        if done.changed:
            assert (pixels(target)[:, 2:5, 1:6] == 0).all()


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rle_of_any_frame(tmp_path: Path, data: st.DataObject) -> None:
    draw = data.draw
    kind = draw(st.sampled_from(("u1", "<u2", "<u4")))
    shape = (1, draw(st.integers(1, 6)), draw(st.integers(1, 300)), draw(st.sampled_from((1, 3))))
    few = draw(st.integers(1, 4))
    array = np.random.default_rng(few).integers(0, few, shape).astype(kind)
    source = _file(tmp_path, RLE, _rle, array, 0)
    assert (pixels(source) == array).all()
