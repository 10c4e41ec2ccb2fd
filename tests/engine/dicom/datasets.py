# SPDX-License-Identifier: Apache-2.0
"""Data sets for the tests of this folder: pydicom's own files, bytes written by hand, and random
data sets that pydicom writes. pydicom is the oracle throughout."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pydicom
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import data_element_generator, read_sequence
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from engine.dicom.byte_order import turn
from engine.dicom.header import Header

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
CHARSET_FILES = Path(pydicom.__file__).parent / "data" / "charset_files"

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

Tree = dict[int, "tuple[str, bytes | list[Tree]]"]
"""A data set as tag -> (VR, value), a sequence's value being its items."""


def part10_files() -> list[Path]:
    """Return pydicom's own Part 10 files."""
    found = []
    for path in sorted([*FILES.rglob("*"), *CHARSET_FILES.glob("*.dcm")]):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(132)[128:] == b"DICM":
                    found.append(path)
    return found


def element(tag: int, vr: str, value: bytes, *, undefined: bool = False) -> bytes:
    """Write one element in Explicit VR Little Endian; nothing is padded."""
    start = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in ("OB", "OW", "UN", "SQ", "UT", "OF", "UC", "UR", "OD", "OL", "OV", "SV", "UV"):
        return start + struct.pack("<HI", 0, 0xFFFFFFFF if undefined else len(value)) + value
    return start + struct.pack("<H", len(value)) + value


def item(value: bytes, *, undefined: bool = False) -> bytes:
    """Write one item."""
    if undefined:
        return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + value + b"\xfe\xff\x0d\xe0\0\0\0\0"
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(value)) + value


def sequence(tag: int, items: list[bytes], *, undefined: bool = False) -> bytes:
    """Write a sequence of items."""
    body = b"".join(items)
    if undefined:
        body += b"\xfe\xff\xdd\xe0\0\0\0\0"
    return element(tag, "SQ", body, undefined=undefined)


def written(dataset: Dataset, *, explicit: bool, little: bool = True) -> bytes:
    """Let pydicom write a data set."""
    out = DicomBytesIO()
    out.is_implicit_VR = not explicit
    out.is_little_endian = little
    write_dataset(out, dataset)
    return out.getvalue()


def turned_about(data: bytes) -> bytes:
    """Return a data set of Big Endian in Little Endian, as our own code makes it."""
    out = bytearray(data)
    turn(out)
    return bytes(out)


def part10(dataset: bytes, transfer_syntax: str) -> bytes:
    """Put preamble and meta information in front of a data set, without our own writer."""
    uid = transfer_syntax.encode()
    body = element(0x00020010, "UI", uid + b"\0" * (len(uid) % 2))
    length = element(0x00020000, "UL", struct.pack("<I", len(body)))
    return bytes(128) + b"DICM" + length + body + dataset


def oracle(data: bytes, *, explicit: bool) -> Tree:
    """Return what pydicom reads before group 7FE0, VRs being those written (or none)."""
    found = data_element_generator(BytesIO(data), not explicit, True, stop_when=_at_pixels)
    return _tree({int(entry.tag): entry for entry in found})


def tree(header: Header) -> Tree:
    """Return what a header holds."""
    found: Tree = {}
    for entry in header.elements():
        vr = entry.vr if header.explicit else ""
        if entry.vr == "SQ" or entry.undefined:
            found[entry.tag] = ("SQ", [tree(item) for item in header.items(entry.tag)])
        else:
            found[entry.tag] = (vr, bytes(header.raw(entry.tag) or b""))
    return found


def agree(one: Tree, other: Tree) -> bool:
    """Say whether two trees are the same; VRs only count where both know them."""
    if list(one) != list(other):
        return False
    for (vr, value), (other_vr, other_value) in zip(one.values(), other.values(), strict=True):
        if vr and other_vr and vr != other_vr:
            return False
        if isinstance(value, bytes) or isinstance(other_value, bytes):
            if value != other_value:
                return False
        elif len(value) != len(other_value) or not all(map(agree, value, other_value)):
            return False
    return True


def _at_pixels(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 >= 0x7FE0


def _tree(elements: Mapping[int, RawDataElement | DataElement]) -> Tree:
    found: Tree = {}
    for tag in sorted(elements):
        entry = elements[tag]
        if not isinstance(entry, RawDataElement):
            found[tag] = ("SQ", [_item_tree(item) for item in entry.value])
            continue
        vr, value = entry.VR or "", bytes(entry.value or b"")
        if vr == "SQ" or (not vr and _implied(elements, tag) == "SQ"):
            items = read_sequence(BytesIO(value), not vr, True, len(value), ["iso8859"])
            found[tag] = ("SQ", [_item_tree(item) for item in items])
        else:
            found[tag] = (vr, value)
    return found


def _item_tree(dataset: Dataset) -> Tree:
    tags = list(dataset.keys())
    return _tree({int(tag): dataset.get_item(tag, keep_deferred=True) for tag in tags})


def _implied(elements: Mapping[int, RawDataElement | DataElement], tag: int) -> str:
    try:
        if not tag & 0x10000:
            return str(dictionary_VR(tag))
        creator = elements.get(tag & 0xFFFF0000 | (tag >> 8 & 0xFF))
        name = bytes(creator.value or b"").decode("latin_1").strip() if creator is not None else ""
        return str(private_dictionary_VR(tag, name))
    except KeyError:
        return ""


_TEXT = st.text("ABCxyz 019.-", min_size=0, max_size=12)
_NUMBER16 = st.integers(0, 0xFFFF)
_PLAIN: list[tuple[int, str, st.SearchStrategy[object]]] = [
    (0x00080016, "UI", st.just("1.2.840.10008.5.1.4.1.1.4")),
    (0x00080018, "UI", st.from_regex(r"1\.2\.[1-9]{1,9}", fullmatch=True)),
    (0x00080020, "DA", st.just("20240229")),
    (0x00080060, "CS", st.sampled_from(["MR", "CT", ""])),
    (0x00081030, "LO", _TEXT),
    (0x00091001, "UN", st.binary(max_size=8).map(lambda b: b * 2)),
    (0x00100010, "PN", _TEXT),
    (0x00100020, "LO", _TEXT),
    (0x00104000, "LT", _TEXT),
    (0x00180050, "DS", st.sampled_from(["1.5", "-2", ""])),
    (0x0020000D, "UI", st.from_regex(r"1\.3\.[1-9]{1,9}", fullmatch=True)),
    (0x00200013, "IS", st.integers(0, 9999).map(str)),
    (0x00280010, "US", _NUMBER16),
    (0x00280030, "DS", st.just(["0.5", "0.25"])),
    (0x00189087, "FD", st.floats(allow_nan=False)),
    (0x00420011, "OB", st.binary(max_size=9).map(lambda b: b * 2)),
    (0x00400555, "SQ", st.just([])),
    (0x0040A160, "UT", _TEXT),
]
_SEQUENCES = [0x00081115, 0x00081140, 0x00400275, 0x52009229]


@st.composite
def datasets(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """Draw a data set with private blocks and nested sequences of both kinds of length."""
    dataset = Dataset()
    for tag, vr, values in draw(st.lists(st.sampled_from(_PLAIN), unique_by=lambda e: e[0])):
        dataset.add(DataElement(tag, vr, draw(values)))
    if draw(st.booleans()):
        dataset.add(DataElement(0x00090010, "LO", "ACME 1.0"))
        dataset.add(DataElement(0x00091002, "LO", draw(_TEXT)))
    if depth:
        for tag in draw(st.lists(st.sampled_from(_SEQUENCES), unique=True, max_size=2)):
            items = draw(st.lists(datasets(depth - 1), max_size=3))
            for entry in items:
                entry.is_undefined_length_sequence_item = draw(st.booleans())
            added = DataElement(tag, "SQ", Sequence(items))
            added.is_undefined_length = draw(st.booleans())
            dataset.add(added)
    return dataset


def paths(header: Header, at: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the path of each element, sequences included."""
    for tag in header.tags():
        yield (*at, tag)
        for number, inner in enumerate(header.items(tag)):
            yield from paths(inner, (*at, tag, number))
