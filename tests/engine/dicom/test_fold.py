# SPDX-License-Identifier: Apache-2.0
"""Folding: what is alike over files and what is not, nested and private elements, values that are
hostile or broken, and that what is kept is bounded."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.dicom import fold
from engine.dicom.fold import Fold
from engine.dicom.header import Header
from engine.dicom.part10 import FileMeta
from engine.model.contents import LONGEST_VALUE, MOST_VALUES, HeaderRow, RowKind
from tests.engine.dicom.datasets import datasets, element, item, sequence, written

META = FileMeta(
    transfer_syntax="1.2.840.10008.1.2.1", sop_class="1.2.5", sop_instance="", dataset_offset=0
)


def header(**values: object) -> Header:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return index(dataset)


def index(dataset: Dataset) -> Header:
    return Header.index(written(dataset, explicit=True), explicit=True)


def raw(*elements: bytes) -> Header:
    return Header.index(b"".join(elements), explicit=True)


def folded(*headers: Header) -> Fold:
    made = Fold()
    for one in headers:
        made.add(META, one)
    return made


def by_path(made: Fold) -> dict[str, HeaderRow]:
    rows = made.rows()
    found = {row.path: row for row in rows}
    assert len(found) == len(rows)
    return found


def texts(row: HeaderRow) -> list[tuple[str, int]]:
    return [(value.text, value.files) for value in row.values]


def test_values_that_differ_stand_beside_each_other_the_most_frequent_first() -> None:
    made = folded(
        *(header(Modality="MR", InstanceNumber=number, EchoTime=echo) for number, echo in ECHOES)
    )
    rows = by_path(made)
    assert made.files == 3
    modality = rows["(0008,0060)"]
    assert (modality.name, modality.vr, modality.depth) == ("Modality", "CS", 0)
    assert (texts(modality), modality.distinct, modality.files) == ([("MR", 3)], 1, 3)
    assert texts(rows["(0018,0081)"]) == [("30", 2), ("2.5", 1)]
    assert rows["(0020,0013)"].distinct == 3


ECHOES = ((1, "30"), (2, "2.5"), (3, "30"))


def test_an_element_that_some_files_lack_says_in_how_many_it_stands() -> None:
    rows = by_path(folded(header(Modality="MR"), header(Modality="MR", PatientComments="")))
    assert rows["(0010,4000)"].files == 1
    assert texts(rows["(0010,4000)"]) == [("", 1)]


def test_a_sequence_becomes_rows_of_its_items_and_their_elements() -> None:
    def referring(*uids: str) -> Header:
        items = []
        for uid in uids:
            inner = Dataset()
            inner.ReferencedSOPInstanceUID = uid
            items.append(inner)
        dataset = Dataset()
        dataset.Modality = "MR"
        dataset.ReferencedImageSequence = Sequence(items)
        return index(dataset)

    made = folded(referring("1.2.1", "1.2.2"), referring("1.2.1"), referring())
    shape = [(row.path, row.kind, row.depth, row.files) for row in made.rows()[2:]]
    assert shape == [
        ("(0008,0060)", RowKind.ELEMENT, 0, 3),
        ("(0008,1140)", RowKind.SEQUENCE, 0, 3),
        ("(0008,1140)[1]", RowKind.ITEM, 1, 2),
        ("(0008,1140)[1].(0008,1155)", RowKind.ELEMENT, 2, 2),
        ("(0008,1140)[2]", RowKind.ITEM, 1, 1),
        ("(0008,1140)[2].(0008,1155)", RowKind.ELEMENT, 2, 1),
    ]
    rows = by_path(made)
    assert rows["(0008,1140)"].distinct == 3
    assert rows["(0008,1140)[1]"].tag == ""
    assert rows["(0008,1140)[1].(0008,1155)"].tag == "(0008,1155)"
    assert texts(rows["(0008,1140)[1].(0008,1155)"]) == [("1.2.1", 2)]


def test_private_elements_say_whose_they_are_and_what_they_are_called() -> None:
    dataset = Dataset()
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    other = dataset.private_block(0x0029, "NOBODY KNOWS", create=True)
    other.add_new(0x08, "LO", "x")
    rows = by_path(folded(index(dataset)))
    assert rows["(0029,0010)"].name == "Private Creator"
    known = rows["(0029,1008)"]
    assert (known.creator, known.name) == ("SIEMENS CSA HEADER", "CSA Image Header Type")
    unknown = rows["(0029,1108)"]
    assert (unknown.creator, unknown.name) == ("NOBODY KNOWS", "")


def test_binary_values_say_their_size_and_whether_they_differ() -> None:
    def bulk(value: bytes) -> Header:
        return raw(element(0x00420011, "OB", value))

    (row,) = folded(bulk(b"\x01\x02" * 8), bulk(b"\x01\x02" * 8)).rows()[2:]
    assert (texts(row), row.distinct, row.length) == ([("‹OB 16 bytes›", 2)], 1, 16)
    (row,) = folded(bulk(b"\x01\x02"), bulk(b"\x03\x04"), bulk(b"\x01\x02")).rows()[2:]
    assert row.distinct == 2
    (first, count), (second, _) = texts(row)
    assert count == 2 and first != second
    assert first.startswith("‹OB 2 bytes, ") and first.endswith("›")


def test_unknown_bytes_that_are_text_are_shown_for_they_may_name_somebody() -> None:
    rows = by_path(
        folded(
            raw(
                element(0x00290010, "LO", b"SOMEBODY"),
                element(0x00291001, "UN", b"Doe^Jane"),
                element(0x00291002, "UN", b"\x00\x01\x02\x03"),
            )
        )
    )
    assert texts(rows["(0029,1001)"]) == [("Doe^Jane", 1)]
    assert texts(rows["(0029,1002)"]) == [("‹UN 4 bytes›", 1)]


def test_long_values_are_cut_and_yet_told_apart() -> None:
    long = "A" * 5000
    made = folded(*(header(TextValue=long + end) for end in ("1 ", "2 ", "2 ")))
    row = by_path(made)["(0040,A160)"]
    assert row.distinct == 2
    assert {value.text for value in row.values} == {"A" * LONGEST_VALUE}
    assert [value.files for value in row.values] == [2, 1]
    numbers = folded(
        *(raw(element(0x00189999, "US", bytes(60_000) + bytes([end, 0]))) for end in (1, 2))
    )
    row = by_path(numbers)["(0018,9999)"]
    assert (row.distinct, len(row.values[0].text)) == (2, LONGEST_VALUE)


def test_only_the_most_frequent_values_are_given_and_all_are_counted() -> None:
    made = folded(*(header(InstanceNumber=number) for number in (*range(100), 42)))
    row = by_path(made)["(0020,0013)"]
    assert (row.distinct, len(row.values), row.files) == (100, MOST_VALUES, 101)
    assert texts(row)[0] == ("42", 2)


def test_hostile_text_stays_as_it_is() -> None:
    hostile = "\x1b]0;owned\x07\u202eEVIL"
    rows = by_path(
        folded(
            raw(
                element(0x00080005, "CS", b"ISO_IR 192"),
                element(0x00081030, "LO", hostile.encode() + b" "),
            )
        )
    )
    assert texts(rows["(0008,1030)"]) == [(hostile, 1)]


@pytest.mark.parametrize(
    "broken",
    [
        element(0x00081140, "SQ", b"\x00" * 12),
        element(0x00081140, "SQ", item(b"\x08\x00\x50\x00SH\xff\x00")),
    ],
    ids=["no item", "an element that is too long"],
)
def test_a_sequence_that_cannot_be_walked_is_one_row_that_says_so(broken: bytes) -> None:
    sound = sequence(0x00081140, [item(element(0x00081155, "UI", b"1.2\0"))])
    after = element(0x00100020, "LO", b"ID")
    alone = by_path(folded(raw(broken, after)))
    row = alone["(0008,1140)"]
    assert row.kind is RowKind.ELEMENT and "cannot be walked" in row.values[0].text
    assert texts(alone["(0010,0020)"]) == [("ID", 1)]
    for order in ((broken, sound), (sound, broken)):
        rows = by_path(folded(*(raw(one, after) for one in order)))
        assert rows["(0008,1140)"].kind is RowKind.SEQUENCE
        assert (rows["(0008,1140)"].files, rows["(0008,1140)"].distinct) == (2, 2)
        assert rows["(0008,1140)[1].(0008,1155)"].files == 1


def test_sequences_may_be_nested_as_deeply_as_headers_allow() -> None:
    inner = element(0x00080050, "SH", b"A1")
    for _ in range(62):
        inner = sequence(0x00081140, [item(inner)])
    made = folded(raw(inner))
    row = made.rows()[-1]
    assert (row.depth, row.tag) == (124, "(0008,0050)")
    assert pickle.loads(pickle.dumps(made)).rows() == made.rows()


def test_rows_that_are_too_many_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_ROWS", 20)
    items = [item(element(0x00081155, "UI", b"1.2\0")) for _ in range(50)]
    big = raw(
        element(0x00080060, "CS", b"MR"),
        sequence(0x00081140, items),
        element(0x00100020, "LO", b"ID"),
    )
    made = folded(big, big)
    rows = by_path(made)
    # What is nested does not crowd out the elements of the data set itself.
    assert rows["(0010,0020)"].files == 2
    assert len(rows) <= 20
    assert made.cut > 30


def test_rows_that_differ_from_file_to_file_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_ROWS", 20)
    monkeypatch.setattr(fold, "_MOST_KEPT", 30)
    made = folded(
        *(
            raw(*(element(0x00200000 | number, "LO", b"x ") for number in range(at, at + 10)))
            for at in range(0x100, 0x200, 10)
        )
    )
    assert len(made.rows()) == 20
    assert made.cut >= 20


def test_values_beyond_the_bound_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "_MOST_DISTINCT", 10)
    made = folded(*(header(InstanceNumber=number) for number in range(50)))
    row = by_path(made)["(0020,0013)"]
    assert (row.distinct, row.files) == (50, 50)
    monkeypatch.setattr(fold, "_MOST_TEXT", 500)
    monkeypatch.setattr(fold, "_MOST_DISTINCT", 1000)
    made = folded(*(header(PatientComments=f"{'x' * 300}{number}") for number in range(20)))
    row = by_path(made)["(0010,4000)"]
    assert row.distinct == 20
    assert sorted(len(value.text) for value in row.values)[0] < 100


def test_transfer_syntaxes_and_file_meta_are_told() -> None:
    made = folded(header(Modality="MR"), header(Modality="MR"))
    other = FileMeta(transfer_syntax="1.2.9", sop_class="", sop_instance="", dataset_offset=0)
    made.add(other, header(Modality="MR"))
    assert [(one.text, one.files) for one in made.transfer_syntaxes] == [
        ("1.2.840.10008.1.2.1", 2),
        ("1.2.9", 1),
    ]
    row = by_path(made)["(0002,0010)"]
    assert (row.name, row.distinct, row.files) == ("TransferSyntaxUID", 2, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(datasets(), min_size=1, max_size=4), st.integers(0, 4))
def test_folds_of_parts_join_to_the_fold_of_all(made: list[Dataset], at: int) -> None:
    headers = [index(dataset) for dataset in made]
    whole, first, second = folded(*headers), folded(*headers[:at]), folded(*headers[at:])
    first.join(pickle.loads(pickle.dumps(second)))
    assert first.rows() == whole.rows()
    assert (first.files, first.cut) == (whole.files, whole.cut)
    assert first.transfer_syntaxes == whole.transfer_syntaxes


@settings(max_examples=60, deadline=None)
@given(datasets())
def test_every_element_has_a_row_and_every_row_an_element(dataset: Dataset) -> None:
    one = index(dataset)
    made = folded(one)
    rows = [row for row in made.rows() if not row.path.startswith("(0002,")]
    assert len(rows) == len(by_path(made)) - 2
    top = [row.tag for row in rows if row.depth == 0]
    assert top == sorted(top)
    assert len(top) == len(one)
    assert all(row.files == 1 for row in rows)
    elements = [row for row in rows if row.kind is not RowKind.ITEM]
    assert {row.path.count(".") for row in elements} <= set(range(64))
    assert all(row.depth == 2 * row.path.count(".") for row in elements)
