# SPDX-License-Identifier: Apache-2.0
"""What paths match: digits and levels left open, items, and private elements by their creator."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.paths import direct_path, path_of
from engine.anonymize.runtime.subject import ScriptedObject
from tests.engine.anonymize.subjects import data_set, opened, plain, private, ran

BOTH = pytest.mark.parametrize("explicit", [True, False])


def nested() -> Dataset:
    deepest = data_set(CodeValue="c2", ReferencedSOPInstanceUID="2.2")
    deep = data_set(
        CodeValue="c1", ReferencedSOPInstanceUID="2.1", PurposeOfReferenceCodeSequence=[deepest]
    )
    return data_set(
        AccessionNumber="c0",
        CodeValue="c0",
        PatientID="p",
        ReferencedImageSequence=[deep, data_set(CodeValue="d1")],
        ReferencedSeriesSequence=[data_set(CodeValue="e1")],
    )


MATCHED = {
    "(0008,0100)": ["c0"],
    "*/(0008,0100)": ["c0", "c1", "c2", "d1", "e1"],
    "+/(0008,0100)": ["c1", "c2", "d1", "e1"],
    "./(0008,0100)": ["c1", "d1", "e1"],
    "././(0008,0100)": ["c2"],
    "./+/(0008,0100)": ["c2"],
    "*/*/(0008,0100)": ["c0", "c1", "c2", "d1", "e1"],
    "*/+/(0008,0100)": ["c1", "c2", "d1", "e1"],
    "(0008,1140)/(0008,0100)": ["c1", "d1"],
    "(0008,1140)[%]/(0008,0100)": ["c1", "d1"],
    "(0008,1140)[1]/(0008,0100)": ["d1"],
    "(0008,1140)[9]/(0008,0100)": [],
    "(0008,11XX)[0]/(0008,0100)": ["c1", "e1"],
    "(0008,1140)/*/(0008,0100)": ["c1", "c2", "d1"],
    "(0008,1140)/./(0008,0100)": ["c2"],
    "(0008,114@)/(0008,0100)": ["c1", "d1"],
    "(0008,1#4X)/(0008,0100)": ["c1", "d1"],
    "(0008,1##X)/(0008,0100)": ["e1"],
    "(0008,01XX)": ["c0"],
    "(0008,0@00)": [],
    "(00@8,0100)": ["c0"],
    "(00#8,0100)": [],
    "*/(0040,A170)/(0008,0100)": ["c2"],
    "(0008,1140)/(0040,A170)[0]/(0008,0100)": ["c2"],
    "(0008,0100)/(0008,0100)": [],
}


@BOTH
@pytest.mark.parametrize("text", MATCHED)
def test_a_path_matches(text: str, explicit: bool) -> None:
    path = path_of(text)
    assert path is not None
    found = path.find(opened(nested(), explicit=explicit))
    assert sorted(level.text(tag) or "" for level, tag in found) == MATCHED[text]


@BOTH
def test_a_path_to_an_item_matches_all_that_is_in_it(explicit: bool) -> None:
    path = path_of("(0008,1140)[0]")
    assert path is not None
    found = path.find(opened(nested(), explicit=explicit))
    assert {tag for _, tag in found} == {0x00080100, 0x00081155, 0x0040A170}
    assert len(found) == 5


@BOTH
def test_a_wildcard_at_the_end_stands_for_everything_below(explicit: bool) -> None:
    dataset = ran("- (0008,1140)/*", nested(), explicit=explicit).dataset
    assert [len(item) for item in dataset.ReferencedImageSequence] == [0, 0]
    assert dataset.PatientID == "p"


def test_digits_may_be_odd_even_or_any() -> None:
    tags = [0x00100010, 0x00100020, 0x00100021, 0x00101010]
    dataset = Dataset()
    for tag in tags:
        dataset.add_new(tag, "LO", "x")
    subject = opened(dataset)
    assert _tags("(0010,00@@)", subject) == [0x00100020]
    assert _tags("(0010,00##)", subject) == []
    assert _tags("(0010,00@#)", subject) == [0x00100021]
    assert _tags("(0010,xx10)", subject) == [0x00100010, 0x00101010]


def _tags(text: str, subject: ScriptedObject) -> list[int]:
    path = path_of(text)
    assert path is not None
    return [tag for _, tag in path.find(subject)]


def crowded() -> Dataset:
    """Two blocks of one creator, another, an element without any, and a gap between blocks."""
    dataset = data_set(PatientID="p")
    for tag, vr, value in [
        (0x00190010, "LO", "ACME"),
        (0x00190012, "LO", "OTHER"),
        (0x00190020, "LO", "ACME"),
        (0x00191001, "LO", "first"),
        (0x00191002, "LO", "only in the first"),
        (0x00191201, "LO", "other"),
        (0x00192001, "LO", "second"),
        (0x00192003, "LO", "only in the second"),
        (0x00193001, "LO", "orphan"),
    ]:
        dataset.add_new(tag, vr, value)
    return dataset


@BOTH
def test_a_creator_has_all_its_blocks(explicit: bool) -> None:
    subject = opened(crowded(), explicit=explicit)
    assert _tags("(0019,{ACME}01)", subject) == [0x00191001, 0x00192001]
    assert _tags("(0019,{ACME}XX)", subject) == [
        0x00191001,
        0x00191002,
        0x00192001,
        0x00192003,
    ]
    assert _tags("(00X#,{OTHER}XX)", subject) == [0x00191201]
    assert _tags("(0019,{acme}01)", subject) == []


@BOTH
def test_reading_takes_the_first_block_that_has_the_element(explicit: bool) -> None:
    text = "(0010,0010) := (0019,{ACME}01)\n(0010,4000) := (0019,{ACME}03)"
    dataset = ran(text, crowded(), explicit=explicit).dataset
    assert dataset.PatientName == "first"
    assert dataset.PatientComments == "only in the second"


@BOTH
def test_a_creator_behind_a_gap_is_found_and_written_to(explicit: bool) -> None:
    dataset = ran('(0019,{OTHER}05) := "new"', crowded(), explicit=explicit).dataset
    assert plain(dataset, 0x00191205) == "new"
    assert (0x0019, 0x0011) not in dataset


@BOTH
def test_a_new_creator_takes_the_first_free_block(explicit: bool) -> None:
    text = '(0019,{NEW}10) := "a"\n(0019,{NEWER}10) := "b"\n(0021,{NEW}10) := "c"'
    dataset = ran(text, crowded(), explicit=explicit).dataset
    assert plain(dataset, 0x00190011) == "NEW"
    assert plain(dataset, 0x00191110) == "a"
    assert plain(dataset, 0x00190013) == "NEWER"
    assert plain(dataset, 0x00191310) == "b"
    assert plain(dataset, 0x00211010) == "c"
    assert plain(dataset, 0x00192003) == "only in the second"


@BOTH
def test_a_new_creator_takes_no_block_that_has_elements(explicit: bool) -> None:
    dataset = Dataset()
    dataset.add_new(0x00191001, "LO", "orphan")
    found = ran('(0019,{NEW}01) := "a"', dataset, explicit=explicit).dataset
    assert plain(found, 0x00190011) == "NEW"
    assert plain(found, 0x00191101) == "a"
    assert plain(found, 0x00191001) == "orphan"


def test_a_group_without_a_free_block_is_an_error() -> None:
    dataset = Dataset()
    for block in range(0x10, 0x100):
        dataset.add_new(0x00190000 | block, "LO", f"C{block}")
    with pytest.raises(ScriptError, match="free block"):
        ran('(0019,{NEW}01) := "a"', dataset)


@BOTH
def test_new_private_text_is_no_un(explicit: bool) -> None:
    text = '(0019,{NEW}01) := "a"\n(0019,{NEW}02) := concatenate["' + "x" * 70 + '", "y"]'
    dataset = ran(text, Dataset(), explicit=explicit).dataset
    if explicit:
        assert dataset[0x0019, 0x1001].VR == "LO"
        assert dataset[0x0019, 0x1002].VR == "UT"
    known = ran('(0019,{SIEMENS MR HEADER}0C) := "5"', Dataset(), explicit=explicit).dataset
    assert known[0x0019, 0x100C].VR == "IS"


@BOTH
def test_private_elements_are_deleted_and_their_creator_stays(explicit: bool) -> None:
    dataset = ran("- (0019,{ACME}XX)", crowded(), explicit=explicit).dataset
    assert [int(one.tag) for one in dataset] == [
        0x00100020,
        0x00190010,
        0x00190012,
        0x00190020,
        0x00191201,
        0x00193001,
    ]


@BOTH
def test_creators_are_resolved_in_their_own_data_set(explicit: bool) -> None:
    item = Dataset()
    private(item, 0x0019, "INNER", 0x01, "LO", "inner")
    dataset = data_set(ReferencedImageSequence=[item])
    private(dataset, 0x0019, "OUTER", 0x01, "LO", "outer")
    text = (
        '*/(0019,{OUTER}01) ?= "A"\n(0008,1140)[0]/(0019,{OUTER}01) := "B"\n'
        "(0010,4000) := (0008,1140)[0]/(0019,{INNER}01)\n-(0008,1140)/(0019,{INNER}XX)"
    )
    found = ran(text, dataset, explicit=explicit).dataset
    assert plain(found, 0x00191001) == "A"
    assert found.PatientComments == "inner"
    inner = found.ReferencedImageSequence[0]
    assert plain(inner, 0x00190011) == "OUTER"
    assert plain(inner, 0x00191101) == "B"
    assert (0x0019, 0x1001) not in inner


@BOTH
def test_private_sequences_are_walked_like_others(explicit: bool) -> None:
    inner = data_set(PatientID="in")
    private(inner, 0x2005, "D", 0x33, "LO", "deep")
    dataset = data_set(PatientID="out")
    private(dataset, 0x2001, "Philips Imaging DD 001", 0x5F, "SQ", [inner])
    text = (
        "(0010,4000) := (2001,{Philips Imaging DD 001}5F)[0]/(2005,{D}33)\n"
        '+/(0010,0020) ?= "x"\n(2001,{Philips Imaging DD 001}5F)[1]/(0010,0010) := "n"'
    )
    found = ran(text, dataset, explicit=explicit).dataset
    assert found.PatientComments == "deep"
    assert found.PatientID == "out"
    items = found[0x2001, 0x105F].value
    assert items[0].PatientID == "x"
    assert items[1].PatientName == "n"


@BOTH
def test_groups_from_8000_up(explicit: bool) -> None:
    dataset = Dataset()
    private(dataset, 0x6FFF, "C", 0x15, "LO", "x")
    assert ran("-(6FFF,{C}15)", dataset, explicit=explicit).dataset.get((0x6FFF, 0x1015)) is None
    made = ran('(F215,{C}15) := "high"\n(0010,0010) := (F215,{C}15)', Dataset(), explicit=explicit)
    assert made.dataset.PatientName == "high"
    assert b"".join(made.subject.tail_pieces())[:2] == b"\x15\xf2"


@BOTH
def test_creators_cannot_be_written_by_a_path(explicit: bool) -> None:
    dataset = ran(
        '(0019,{ACME}XX) ?= "x"\n*/(0019,{ACME}10) ?= "y"', crowded(), explicit=explicit
    ).dataset
    assert [dataset[0x0019, block].value for block in (0x10, 0x12, 0x20)] == [
        "ACME",
        "OTHER",
        "ACME",
    ]
    assert plain(dataset, 0x00191001) == "x"


@BOTH
def test_reading_makes_nothing(explicit: bool) -> None:
    text = (
        "x := (0019,{NEW}01)\ny := (0008,1199)[0]/(0008,1155)\n"
        'isPresent[(0021,{NEW}01), (0008,1199)[0]] ? echo x\n(0019,{NEW}01) = "a" ? echo y'
    )
    result = ran(text, crowded(), explicit=explicit)
    assert not result.subject.changed


def test_direct_paths_hold_real_numbers_only() -> None:
    assert direct_path("(0019,0010)").tag == 0x00190010
    assert direct_path("(0008,1140)[0]/(0008,1150)").singular
    for text in (
        "(0008,1140)/(0008,1150)",
        "(0008,114X)",
        "(0019,{A}10)",
        "",
        "x",
        "(0008,1140)[%]",
    ):
        with pytest.raises(ScriptError):
            direct_path(text)


@pytest.mark.parametrize(
    "text",
    ["(0008,1140)/(0008,1150)", "(0008,114X)", "(0019,{A}10)", "", "x", "(0008,1140)[%]"],
)
def test_other_paths_are_not_direct(text: str) -> None:
    with pytest.raises(ScriptError):
        direct_path(text)


@BOTH
def test_what_is_written_meanwhile_is_found_at_every_depth(explicit: bool) -> None:
    subject = opened(nested(), explicit=explicit)
    missing, present = path_of("*/(0010,4000)"), path_of("*/(0008,0100)")
    assert missing is not None and present is not None
    assert missing.find(subject) == []
    subject.head.put(0x00104000, "LT", "new")
    subject.head.make_sequence(0x00081199, 2)[1].put(0x00104000, "LT", "new")
    assert [level.text(tag) for level, tag in missing.find(subject)] == ["new", "new"]
    subject.head.remove(0x00104000)
    assert len(missing.find(subject)) == 1
    assert len(present.find(subject)) == 5
