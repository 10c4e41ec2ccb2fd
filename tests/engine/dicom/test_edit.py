# SPDX-License-Identifier: Apache-2.0
"""Changes to a header: pydicom agrees with each, and every byte that nobody touched stays."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from engine.dicom.edit import HeaderEdit
from engine.dicom.header import Header, HeaderError
from tests.engine.dicom.datasets import (
    Tree,
    agree,
    datasets,
    element,
    item,
    oracle,
    paths,
    sequence,
    tree,
    written,
)

_ID, _NAME, _SQ = 0x00100020, 0x00100010, 0x00081140


@settings(deadline=None)
@given(datasets(), st.booleans())
def test_no_edit_writes_the_same_bytes_in_one_piece(dataset: Dataset, explicit: bool) -> None:
    data = written(dataset, explicit=explicit)
    pixels = struct.pack("<HH", 0x7FE0, 0x10) + (b"OW\0\0" if explicit else b"") + bytes(4)
    pieces = HeaderEdit(Header.index(data + pixels, explicit=explicit)).write()
    assert pieces == [data]


@settings(deadline=None)
@given(datasets(), st.booleans(), st.data())
def test_a_touched_sequence_without_a_change_writes_the_same_bytes(
    dataset: Dataset, explicit: bool, data: st.DataObject
) -> None:
    whole = written(dataset, explicit=explicit)
    header = Header.index(whole, explicit=explicit)
    sequences = [path for path in paths(header) if _at(header, path[:-1]).items(path[-1])]
    if not sequences:
        return
    path = data.draw(st.sampled_from(sequences))
    edit = HeaderEdit(header)
    edit.remove_in((*path, 0, 0x00FF0001))
    assert b"".join(edit.write()) == whole


@settings(deadline=None, max_examples=200)
@given(datasets(), st.booleans(), st.data())
def test_pydicom_sees_the_edits_and_nothing_else(
    dataset: Dataset, explicit: bool, data: st.DataObject
) -> None:
    whole = written(dataset, explicit=explicit)
    header = Header.index(whole, explicit=explicit)
    expected = tree(header)
    edit = HeaderEdit(header)
    everywhere = [*paths(header), (0x00080050,), (0x00100021,), (0x00091101,)]
    chosen = data.draw(st.lists(st.sampled_from(everywhere), unique=True, max_size=6))
    for path in sorted(chosen, key=len, reverse=True):
        if data.draw(st.booleans()):
            edit.remove_in(path)
            _put(expected, path, None)
        elif path[-1] in _SEQUENCE_TAGS:
            edit.set_in(path, "SQ", b"")
            _put(expected, path, ("SQ", []))
        else:
            value = data.draw(st.binary(max_size=6))
            edit.set_in(path, "UN", value)
            _put(expected, path, ("UN" if explicit else "", value + b"\0" * (len(value) % 2)))
    result = b"".join(edit.write())
    assert agree(oracle(result, explicit=explicit), _sorted(expected))
    untouched = {path[0] for path in paths(header)} - {path[0] for path in chosen}
    after = Header.index(result, explicit=explicit)
    for tag in untouched:
        old, new = header[tag], after[tag]
        assert whole[old.start : old.end] == result[new.start : new.end]


def test_neighbours_stay_one_slice() -> None:
    data = b"".join(element(0x00100000 | number, "LO", b"ab") for number in range(0x10, 0x60))
    header = Header.index(data, explicit=True)
    edit = HeaderEdit(header)
    edit.set(0x00100030, "LO", b"new!")
    edit.remove(0x00100040)
    pieces = edit.write()
    assert len(pieces) == 4
    assert all(isinstance(pieces[index], memoryview) for index in (0, 2, 3))
    assert all(getattr(pieces[index], "obj", None) is data for index in (0, 2, 3))


def test_untouched_items_stay_one_slice() -> None:
    items = [item(element(_ID, "LO", b"%03d " % number)) for number in range(100)]
    header = Header.index(sequence(_SQ, items, undefined=True), explicit=True)
    edit = HeaderEdit(header)
    edit.set_in((_SQ, 50, _ID), "LO", b"x")
    pieces = edit.write()
    assert len(pieces) < 10
    assert [
        entry.text(_ID) for entry in Header.index(b"".join(pieces), explicit=True).items(_SQ)
    ] == ["x" if number == 50 else f"{number:03d}" for number in range(100)]


def test_order_is_kept_wherever_an_element_goes() -> None:
    header = Header.index(element(_NAME, "PN", b"ab") + element(_ID, "LO", b"cd"), explicit=True)
    edit = HeaderEdit(header)
    for tag in (0x00080005, 0x00100015, 0x00400001):
        edit.set(tag, "CS", b"")
    assert Header.index(b"".join(edit.write()), explicit=True).tags() == [
        0x00080005,
        _NAME,
        0x00100015,
        _ID,
        0x00400001,
    ]


def test_group_lengths_go_only_where_their_group_is_edited() -> None:
    data = (
        element(0x00080000, "UL", b"\x0a\0\0\0")
        + element(0x00080060, "CS", b"MR")
        + element(0x00100000, "UL", b"\x0a\0\0\0")
        + element(_ID, "LO", b"ab")
    )
    edit = HeaderEdit(Header.index(data, explicit=True))
    edit.set(_ID, "LO", b"longer")
    after = Header.index(b"".join(edit.write()), explicit=True)
    assert after.tags() == [0x00080000, 0x00080060, _ID]


@pytest.mark.parametrize("sequence_open", [True, False])
@pytest.mark.parametrize("item_open", [True, False])
def test_lengths_stay_of_their_kind(sequence_open: bool, item_open: bool) -> None:
    inner = element(_ID, "LO", b"ab")
    data = sequence(_SQ, [item(inner, undefined=item_open)] * 2, undefined=sequence_open)
    edit = HeaderEdit(Header.index(data, explicit=True))
    edit.set_in((_SQ, 1, _ID), "LO", b"four")
    changed = item(element(_ID, "LO", b"four"), undefined=item_open)
    assert b"".join(edit.write()) == sequence(
        _SQ, [item(inner, undefined=item_open), changed], undefined=sequence_open
    )


def test_sequences_and_items_can_be_made() -> None:
    header = Header.index(element(_NAME, "PN", b"ab"), explicit=True)
    edit = HeaderEdit(header)
    edit.set_in((_SQ, 0, 0x00081155), "UI", b"1.2")
    edit.set_in((_SQ, 0, 0x00081150), "UI", b"1.1")
    edit.set_in((_SQ, 1, 0x00400275, 0, _ID), "LO", b"x")
    with pytest.raises(IndexError):
        edit.set_in((_SQ, 3, _ID), "LO", b"x")
    dataset = read_dataset(BytesIO(b"".join(edit.write())), False, True)
    assert dataset.PatientName == "ab"
    first, second = dataset[_SQ].value
    assert (first.ReferencedSOPClassUID, first.ReferencedSOPInstanceUID) == ("1.1", "1.2")
    assert second.RequestAttributesSequence[0].PatientID == "x"


def test_items_can_be_removed() -> None:
    items = [item(element(_ID, "LO", text)) for text in (b"a ", b"b ", b"c ")]
    header = Header.index(sequence(_SQ, items), explicit=True)
    edit = HeaderEdit(header)
    edit.remove_in((_SQ, 1))
    edit.remove_in((_SQ, 7))
    edit.remove_in((0x00081115, 0))
    assert b"".join(edit.write()) == sequence(_SQ, [items[0], items[2]])


def test_a_sequence_in_the_guise_of_un_stays_implicit() -> None:
    inner = struct.pack("<HHI", 0x0010, 0x0020, 2) + b"ab"
    data = element(_SQ, "UN", item(inner) + b"\xfe\xff\xdd\xe0\0\0\0\0", undefined=True)
    edit = HeaderEdit(Header.index(data, explicit=True))
    edit.set_in((_SQ, 0, _ID), "LO", b"four")
    after = Header.index(b"".join(edit.write()), explicit=True)
    assert after[_SQ].vr == "UN" and after[_SQ].undefined
    assert after.items(_SQ)[0].text(_ID) == "four"


def test_the_last_word_on_an_element_counts() -> None:
    header = Header.index(sequence(_SQ, [item(element(_ID, "LO", b"ab"))]), explicit=True)
    edit = HeaderEdit(header)
    edit.set_in((_SQ, 0, _ID), "LO", b"cd")
    edit.remove(_SQ)
    assert not edit.holds(_SQ)
    assert b"".join(edit.write()) == b""
    edit.set_in((_SQ, 0, _ID), "LO", b"ef")
    assert edit.holds(_SQ)
    assert b"".join(edit.write()) == sequence(_SQ, [item(element(_ID, "LO", b"ef"))])


@pytest.mark.parametrize(
    ("vr", "value", "stored"),
    [
        ("UI", b"1.2", b"1.2\0"),
        ("LO", b"abc", b"abc "),
        ("OB", b"\1", b"\1\0"),
        ("LO", b"", b""),
    ],
)
def test_odd_values_are_padded(vr: str, value: bytes, stored: bytes) -> None:
    edit = HeaderEdit(Header.index(b"", explicit=True))
    edit.set(0x00189999, vr, value)
    assert b"".join(edit.write()) == element(0x00189999, vr, stored)


def test_a_value_too_long_for_its_vr_is_written_as_un() -> None:
    edit = HeaderEdit(Header.index(b"", explicit=True))
    edit.set(0x00281101, "US", bytes(0x10000))
    after = Header.index(b"".join(edit.write()), explicit=True)
    assert after[0x00281101].vr == "UN"
    assert after[0x00281101].length == 0x10000


def test_what_cannot_be_set_is_refused() -> None:
    edit = HeaderEdit(Header.index(element(_ID, "LO", b"ab"), explicit=True))
    with pytest.raises(ValueError, match="no value representation"):
        edit.set(_ID, "ZZ", b"")
    with pytest.raises(ValueError, match="before group 7FE0"):
        edit.set(0x7FE00010, "OW", b"")
    with pytest.raises(ValueError, match="ends with its tag"):
        edit.set_in((_SQ, 0), "LO", b"")
    with pytest.raises(ValueError, match="no sequence"):
        edit.set_in((_ID, 0, _ID), "LO", b"")
    edit.set(_NAME, "PN", b"x")
    with pytest.raises(ValueError, match="was set"):
        edit.set_in((_NAME, 0, _ID), "LO", b"")
    assert b"".join(edit.write()) == element(_NAME, "PN", b"x ") + element(_ID, "LO", b"ab")


def test_new_sequences_are_not_nested_without_end() -> None:
    edit = HeaderEdit(Header.index(b"", explicit=True, limit_depth=4))
    with pytest.raises(HeaderError, match="nested too deeply"):
        edit.set_in((_SQ, 0) * 5 + (_ID,), "LO", b"x")


def test_items_within_pixels_groups_can_be_edited() -> None:
    icon = element(0x7FE00010, "OW", b"abcd")
    edit = HeaderEdit(Header.index(sequence(0x00880200, [item(icon)]), explicit=True))
    edit.set_in((0x00880200, 0, 0x7FE00010), "OW", b"")
    assert b"".join(edit.write()) == sequence(0x00880200, [item(element(0x7FE00010, "OW", b""))])


def _at(header: Header, path: tuple[int, ...]) -> Header:
    for tag, number in zip(path[::2], path[1::2], strict=True):
        header = header.items(tag)[number]
    return header


def _put(found: Tree, path: tuple[int, ...], value: tuple[str, bytes | list[Tree]] | None) -> None:
    for tag, number in zip(path[:-1:2], path[1::2], strict=True):
        _, items = found[tag]
        assert isinstance(items, list)
        found = items[number]
    if value is None:
        found.pop(path[-1], None)
    else:
        found[path[-1]] = value


def _sorted(found: Tree) -> Tree:
    return {
        tag: (vr, value if isinstance(value, bytes) else [_sorted(entry) for entry in value])
        for tag, (vr, value) in sorted(found.items())
    }


_SEQUENCE_TAGS = {0x00081115, 0x00081140, 0x00400275, 0x00400555, 0x52009229}


def test_what_is_reserved_before_a_length_stays() -> None:
    data = bytearray(sequence(_SQ, [item(element(_ID, "LO", b"AB"))]))
    data[6:8] = b"\x05\x07"
    edit = HeaderEdit(Header.index(bytes(data), explicit=True))
    edit.set_in((_SQ, 0, _ID), "LO", b"CD")
    assert b"".join(edit.write()) == bytes(data).replace(b"AB", b"CD")


def test_an_empty_element_that_is_no_sequence_becomes_one() -> None:
    edit = HeaderEdit(Header.index(element(_ID, "LO", b""), explicit=True))
    edit.set_in((_ID, 0, _NAME), "PN", b"AB")
    written_anew = b"".join(edit.write())
    assert written_anew == sequence(_ID, [item(element(_NAME, "PN", b"AB"))])
