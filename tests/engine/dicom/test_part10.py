# SPDX-License-Identifier: Apache-2.0
"""Part 10 files: group 2 read and written, heads read from disk."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_file_meta_info

from engine.dicom.edit import HeaderEdit
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION,
    FileMeta,
    index_file,
    read_header,
    read_meta,
    write_meta,
)
from tests.engine.dicom.datasets import (
    BIG,
    EXPLICIT,
    FILES,
    IMPLICIT,
    element,
    part10,
    part10_files,
    sequence,
)

_SOP_CLASS, _SOP = "1.2.840.10008.5.1.4.1.1.4", "1.2.3"


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.mark.parametrize("path", part10_files(), ids=lambda path: path.name)
def test_group_2_of_real_files(path: Path) -> None:
    expected = read_file_meta_info(path)
    data = path.read_bytes()
    if "TransferSyntaxUID" not in expected:
        with pytest.raises(HeaderError, match="transfer syntax"):
            read_meta(data)
        return
    meta = read_meta(data)
    told, index = index_file(memoryview(data))
    assert told == meta
    assert (index.start, index.end) == (132, meta.dataset_offset)
    assert b"".join(HeaderEdit(index).write()) == data[132 : meta.dataset_offset]
    assert index.text(0x00020010) == meta.transfer_syntax
    assert meta.transfer_syntax == expected.TransferSyntaxUID
    assert meta.sop_class == expected.get("MediaStorageSOPClassUID", "")
    assert meta.sop_instance == expected.get("MediaStorageSOPInstanceUID", "")
    assert meta.implementation == expected.get("ImplementationClassUID", "")
    assert meta.source_ae == expected.get("SourceApplicationEntityTitle", "")
    assert data[meta.dataset_offset : meta.dataset_offset + 2] != b"\2\0"


@pytest.mark.parametrize("source_ae", ["", "SCANNER", "ODD"])
def test_pydicom_reads_what_is_written(source_ae: str, tmp_path: Path) -> None:
    data = write_meta(
        sop_class=_SOP_CLASS, sop_instance=_SOP, transfer_syntax=EXPLICIT, source_ae=source_ae
    )
    path = tmp_path / "meta"
    path.write_bytes(data)
    meta = read_file_meta_info(path)
    assert meta.FileMetaInformationGroupLength == len(data) - 144
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.MediaStorageSOPClassUID == _SOP_CLASS
    assert meta.MediaStorageSOPInstanceUID == _SOP
    assert meta.TransferSyntaxUID == EXPLICIT
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION
    assert meta.get("SourceApplicationEntityTitle", "") == source_ae
    assert data[:128] == bytes(128)


def test_what_is_written_is_read() -> None:
    data = write_meta(
        sop_class=_SOP_CLASS, sop_instance=_SOP, transfer_syntax=IMPLICIT, source_ae="AE"
    )
    for after in (b"", b"\2\0\1\0OB", b"\x08\0\x05\0", b"\xff\xff", b"\0\2"):
        assert read_meta(data + after) == FileMeta(
            transfer_syntax=IMPLICIT,
            sop_class=_SOP_CLASS,
            sop_instance=_SOP,
            dataset_offset=len(data),
            implementation=IMPLEMENTATION_CLASS_UID,
            source_ae="AE",
        )


@pytest.mark.parametrize("length", [0, 8, 10_000])
def test_a_group_length_that_lies_does_no_harm(length: int) -> None:
    data = bytearray(part10(element(0x00080005, "CS", b""), EXPLICIT))
    right = read_meta(bytes(data))
    struct.pack_into("<I", data, 140, length)
    assert read_meta(data) == right


def test_what_stands_before_group_2_is_in_no_index() -> None:
    group2 = element(0x00020010, "UI", b"1.2.840.10008.1.2.1\0")
    data = bytes(128) + b"DICM" + element(0x00000002, "UI", b"1.2\0") + group2
    assert read_meta(data).transfer_syntax == EXPLICIT
    with pytest.raises(HeaderError, match="before"):
        index_file(data)


def test_truncated_meta_information_is_refused() -> None:
    data = write_meta(sop_class=_SOP_CLASS, sop_instance=_SOP, transfer_syntax=EXPLICIT)
    for cut in (0, 1, 127, 131, 132, 133, 139, 150, len(data) - 1):
        with pytest.raises(HeaderError):
            read_meta(data[:cut])


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    for data in (noise, bytes(128) + b"DICM" + noise):
        try:
            read_meta(data)
        except HeaderError:
            continue


@pytest.mark.parametrize(
    "start", [b"MZ\x90\0", b"\x7fELF", b"<html>", b"PK\x03\x04"], ids=["pe", "elf", "html", "zip"]
)
def test_a_preamble_may_say_what_it_likes(start: bytes) -> None:
    data = part10(element(0x00080005, "CS", b""), EXPLICIT)
    assert read_meta(start + data[len(start) :]).transfer_syntax == EXPLICIT
    with pytest.raises(HeaderError, match="preamble"):
        read_meta(start + bytes(500))


@pytest.mark.parametrize("pad", [0, 65_000, 65_536, 300_000, 2_000_000])
@pytest.mark.parametrize("pixels", [True, False])
def test_only_the_head_is_read(pad: int, pixels: bool, tmp_path: Path) -> None:
    body = element(0x00080018, "UI", b"1.2\0") + element(0x00204000, "UT", b"x" * pad)
    data = part10(body + (element(0x7FE00010, "OW", bytes(5_000_000)) if pixels else b""), EXPLICIT)
    path = tmp_path / "file.dcm"
    path.write_bytes(data)
    meta, header = read_header(path)
    assert header.text(0x00080018) == "1.2"
    assert header.end == len(body)
    assert data[meta.dataset_offset : meta.dataset_offset + header.end] == body
    assert len(header.data) < pad * 2 + 200_000


def test_a_head_cut_short_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    for size in (100, 65_536, 100_000):
        data = part10(element(0x00204000, "UT", b"x" * size), EXPLICIT)
        path.write_bytes(data[:-1])
        with pytest.raises(Unreadable, match="ends within"):
            read_header(path)


def test_what_is_no_part_10_file_is_a_header_error(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    for data in (b"", bytes(132), bytes(128) + b"DICM", b"\x08\0\x05\0CS\0\0"):
        path.write_bytes(data)
        with pytest.raises(HeaderError):
            read_header(path)
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "nowhere")


@pytest.mark.filterwarnings("ignore:Expected explicit VR:UserWarning")
def test_other_encodings_need_the_guard(guard: Guard) -> None:
    for name in ("MR_small_bigendian.dcm", "image_dfl.dcm", "SC_rgb_jpeg.dcm"):
        with pytest.raises(Unreadable):
            read_header(FILES / name)
        _, header = read_header(FILES / name, guard=guard)
        expected = pydicom.dcmread(FILES / name, specific_tags=["SOPInstanceUID", "Rows"])
        assert header.text(0x00080018) == expected.SOPInstanceUID
        assert header.integer(0x00280010) == expected.Rows


def test_neither_walk_nor_guard_guesses(guard: Guard, tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    for body, syntax in (
        (element(0x00100020, "LO", b"abcd")[:-1], EXPLICIT),
        (element(0x00100020, "LO", b"ab") * 2, EXPLICIT),
        (element(0x00100020, "ZZ", b"ab"), EXPLICIT),
        (sequence(0x00081140, [], undefined=True)[:-8] + b"\xfe\xff", EXPLICIT),
        (b"\x12\x34", BIG),
        (b"", BIG),
    ):
        path.write_bytes(part10(body, syntax))
        with pytest.raises(Unreadable) as caught:
            read_header(path, guard=guard)
        assert caught.value.reason


def test_the_meta_information_stands_as_it_was_read() -> None:
    data = part10(b"", EXPLICIT)
    assert read_meta(bytearray(data)) == read_meta(memoryview(data)) == read_meta(data)
    assert BytesIO(data).read(132).endswith(b"DICM")
