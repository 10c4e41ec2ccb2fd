# SPDX-License-Identifier: Apache-2.0
"""The object as scripts see it: group 2, the tail, bytes that stay, and character sets."""

from __future__ import annotations

import gc
import weakref
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import LONGEST
from engine.anonymize.runtime.subject import ScriptedObject, index_meta, index_tail
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import index_file, read_meta
from tests.engine.anonymize import subjects
from tests.engine.anonymize.subjects import (
    HOST,
    compiled,
    data_set,
    opened,
    private,
    ran,
    reread,
    tail,
)
from tests.engine.dicom.datasets import CHARSET_FILES, element, item, sequence, written

BOTH = pytest.mark.parametrize("explicit", [True, False])


def group_2() -> Header:
    return subjects.meta(
        MediaStorageSOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        MediaStorageSOPInstanceUID="1.2.3",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        ImplementationVersionName="SOMEBODY",
        SourceApplicationEntityTitle="SECRET_AE",
    )


def applied(text: str, *, meta: Header | None = None) -> ScriptedObject:
    head = data_set(SOPClassUID="1.2.840.10008.5.1.4.1.1.4", SOPInstanceUID="1.2.3", PatientID="p")
    subject = opened(head, meta=meta)
    compiled(text).apply(subject, HOST)
    return subject


def test_group_2_is_read_written_and_deleted() -> None:
    text = '(0010,0010) := (0002,0016)\n-(0002,0016)\n(0002,0013) := "OWN"\n(0002,0018) := "NEW"'
    subject = applied(text, meta=group_2())
    found = reread(subject.meta_bytes())
    assert subject.text(0x00100010) == "SECRET_AE"
    assert 0x00020016 not in found
    assert found[0x00020013].value == "OWN"
    assert found[0x00020018].value == "NEW"
    assert found[0x00020000].value == len(subject.meta_bytes()) - 12


def test_what_group_2_says_of_the_data_set_follows_it() -> None:
    text = """
    (0008,0018) := "1.9.9"
    (0002,0003) := "1.1"
    - (0002,0002)
    - (0002,0010)
    """
    found = reread(applied(text, meta=group_2()).meta_bytes())
    assert found[0x00020003].value == "1.9.9"
    assert found[0x00020002].value == "1.2.840.10008.5.1.4.1.1.4"
    assert found[0x00020010].value == "1.2.840.10008.1.2.1"


def test_group_2_matches_wildcards_like_any_group() -> None:
    found = reread(applied("-(000@,001X)", meta=group_2()).meta_bytes())
    assert [int(one.tag) for one in found] == [0x00020000, 0x00020002, 0x00020003, 0x00020010]


def test_without_group_2_it_is_missing() -> None:
    assert applied('(0002,0016) ~ ".*" ? (0010,0020) := "x"').text(0x00100020) == "p"
    with pytest.raises(ScriptError, match="group 2"):
        applied('(0002,0016) := "x"')
    with pytest.raises(ScriptError, match="ASCII"):
        applied('(0002,0013) := "é"', meta=group_2())


def test_group_2_of_a_file_is_indexed() -> None:
    dataset = data_set(PatientID="p")
    out = BytesIO()
    dataset.file_meta = group_2_of_pydicom()
    dataset.save_as(out, enforce_file_format=True)
    data = out.getvalue()
    end = read_meta(data).dataset_offset
    header = index_meta(memoryview(data)[132:])
    assert header.end == end - 132
    for group2 in (header, index_file(data)[1]):
        subject = ScriptedObject(Header.index(memoryview(data)[end:], explicit=True), meta=group2)
        file = data[:132] + subject.meta_bytes() + b"".join(subject.head_pieces())
        assert dcmread(BytesIO(file)).PatientID == "p"


def group_2_of_pydicom() -> FileMetaDataset:
    made = Dataset()
    made.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    made.MediaStorageSOPInstanceUID = "1.2.3"
    made.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    return FileMetaDataset(made)


def after() -> Dataset:
    dataset = Dataset()
    private(dataset, 0x7FE1, "ACME", 0x01, "LO", "secret")
    inner = data_set(PatientID="q")
    dataset.DigitalSignaturesSequence = [inner]
    dataset.add_new(0xFFFCFFFC, "OB", b"\0\0\0\0")
    return dataset


@BOTH
def test_the_tail_is_met_by_paths_and_private_tags_go(explicit: bool) -> None:
    head = Header.index(written(data_set(PatientID="p"), explicit=explicit), explicit=explicit)
    subject = ScriptedObject(head, tail=tail(after(), head))
    text = (
        "(0010,0010) := (7FE1,{ACME}01)\n(0010,4000) := (FFFA,FFFA)[0]/(0010,0020)\n"
        '*/(0010,0020) ?= "x"\nremoveAllPrivateTags\n- (FFFC,FFFC)'
    )
    compiled(text).apply(subject, HOST)
    assert subject.text(0x00100010) == "secret"
    assert subject.text(0x00104000) == "q"
    found = reread(b"".join(subject.tail_pieces()), explicit=explicit)
    assert [int(one.tag) for one in found] == [0xFFFAFFFA]
    assert found.DigitalSignaturesSequence[0].PatientID == "x"


@BOTH
def test_pixels_are_a_leaf_that_keeps_its_bytes(explicit: bool) -> None:
    head = Header.index(written(data_set(PatientID="p"), explicit=explicit), explicit=explicit)
    pixels = b"\1\2\3\4" if explicit else b""
    data = (
        sequence(0x7FE00010, [], undefined=True).replace(b"SQ", b"OB")
        if explicit
        else b"\xe0\x7f\x10\x00\x04\x00\x00\x00\1\2\3\4"
    )
    if explicit:
        body = item(b"") + item(pixels) + b"\xfe\xff\xdd\xe0\0\0\0\0"
        data = element(0x7FE00010, "OB", body, undefined=True)
    subject = ScriptedObject(head, tail=index_tail(data, head))
    compiled('*/(0010,0020) ?= "x"\nblankValues["x"]\nremoveAllPrivateTags').apply(subject, HOST)
    assert b"".join(subject.tail_pieces()) == data
    compiled("- (7FE0,0010)").apply(subject, HOST)
    assert subject.tail_pieces() == []


def test_a_tail_must_be_whole() -> None:
    head = Header.index(b"", explicit=True)
    data = element(0xFFFCFFFC, "OB", b"\0\0")
    assert len(index_tail(data, head)) == 1
    with pytest.raises(HeaderError):
        index_tail(data[:-1], head)
    with pytest.raises(HeaderError):
        index_meta(element(0x00020010, "UI", b"1.2.3\0")[:-1])


@BOTH
def test_untouched_elements_keep_their_bytes(explicit: bool) -> None:
    dataset = data_set(
        StudyDescription="before",
        PatientName="Doe",
        PatientComments="after",
        ReferencedImageSequence=[data_set(PatientID="1"), data_set(PatientID="2")],
    )
    subject = opened(dataset, explicit=explicit)
    compiled('(0010,0010) := "x"\n(0008,1140)[1]/(0010,0020) := "3"').apply(subject, HOST)
    before, now = (
        subject.head.header,
        Header.index(b"".join(subject.head_pieces()), explicit=explicit),
    )
    for tag in (0x00081030, 0x00104000):
        assert _whole(before, tag) == _whole(now, tag)
    first, second = now.items(0x00081140)
    assert _whole(first, 0x00100020) == _whole(before.items(0x00081140)[0], 0x00100020)
    assert second.text(0x00100020) == "3"


def _whole(header: Header, tag: int) -> bytes:
    found = header[tag]
    return bytes(header.data[found.start : found.end])


# ----------------------------------------------------------------------------- character sets


def foreign(charset: str | list[str], name: str, **values: object) -> Dataset:
    return data_set(SpecificCharacterSet=charset, PatientName=name, **values)


@BOTH
@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 100", "Müller"),
        ("ISO_IR 144", "Иван"),
        ("ISO_IR 192", "山田 é"),
        ("GB18030", "王小东"),
        (["", "ISO 2022 IR 87"], "山田^太郎"),
        (["", "ISO 2022 IR 149"], "김희중"),
        (["ISO 2022 IR 100", "ISO 2022 IR 144"], "é"),
        (["ISO 2022 IR 100", "ISO 2022 IR 144"], "Иван"),
    ],
)
def test_text_that_fits_is_written_in_the_character_set(
    charset: str | list[str], text: str, explicit: bool
) -> None:
    dataset = foreign(charset, text, StudyDescription="plain")
    result = ran(f'(0008,1030) := (0010,0010)\n(0010,4000) := "{text}"', dataset, explicit=explicit)
    assert result.dataset.SpecificCharacterSet == charset
    assert str(result.dataset.PatientName) == text
    assert result.dataset.StudyDescription == text
    assert result.dataset.PatientComments == text
    assert result.data.count(b"ISO_IR 192") == (charset == "ISO_IR 192")


@BOTH
def test_text_that_does_not_fit_switches_the_object(explicit: bool) -> None:
    own = foreign("ISO_IR 144", "Иван")
    shares = data_set(PatientComments="größer")
    dataset = foreign(
        "ISO_IR 100",
        "Müller",
        StudyDescription="plain",
        ReferencedImageSequence=[own, shares],
    )
    before = opened(dataset, explicit=explicit).head.header
    result = ran('(0010,4000) := "山田"', dataset, explicit=explicit)
    found = result.dataset
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert str(found.PatientName) == "Müller"
    assert found.PatientComments == "山田"
    first, second = found.ReferencedImageSequence
    assert first.SpecificCharacterSet == "ISO_IR 144"
    assert str(first.PatientName) == "Иван"
    assert second.PatientComments == "größer"
    now = Header.index(result.data, explicit=explicit)
    assert _whole(before, 0x00081030) == _whole(now, 0x00081030)
    paths = [one.path for one in result.applied.undo]
    assert (0x00080005,) in paths
    assert (0x00100010,) in paths
    assert (0x00081140, 1, 0x00104000) in paths


@BOTH
def test_an_item_with_its_own_character_set_is_switched_alone(explicit: bool) -> None:
    dataset = foreign(
        "ISO_IR 100", "Müller", ReferencedImageSequence=[foreign("ISO_IR 144", "Иван")]
    )
    result = ran('(0008,1140)[0]/(0010,4000) := "é"', dataset, explicit=explicit)
    assert result.dataset.SpecificCharacterSet == "ISO_IR 100"
    inner = result.dataset.ReferencedImageSequence[0]
    assert inner.SpecificCharacterSet == "ISO_IR 192"
    assert str(inner.PatientName) == "Иван"
    assert inner.PatientComments == "é"


def test_a_character_set_that_one_script_brought_is_met_by_the_next() -> None:
    subject = opened(data_set(PatientID="p"))
    compiled('(0010,0010) := "Müller"').apply(subject, HOST)
    compiled('*/(0008,0005) ?= "ISO_IR 100"').apply(subject, HOST)
    assert reread(b"".join(subject.head_pieces())).SpecificCharacterSet == "ISO_IR 100"


@BOTH
def test_an_object_without_a_character_set_gets_one(explicit: bool) -> None:
    result = ran('(0010,0010) := "Müller"', data_set(PatientID="p"), explicit=explicit)
    assert result.dataset.SpecificCharacterSet == "ISO_IR 192"
    assert str(result.dataset.PatientName) == "Müller"
    ascii_only = ran('(0010,0010) := "Muller"', data_set(PatientID="p"), explicit=explicit)
    assert "SpecificCharacterSet" not in ascii_only.dataset


def test_a_character_set_is_only_a_label_to_scripts() -> None:
    dataset = foreign("ISO_IR 100", "Müller", StudyDescription="x")
    subject = opened(dataset)
    compiled('(0008,0005) := "ISO_IR 192"\n(0008,1030) := "é"').apply(subject, HOST)
    data = b"".join(subject.head_pieces())
    assert "Müller".encode("latin_1") in data
    assert "é".encode() in data


@pytest.mark.parametrize("name", ["chrH31.dcm", "chrH32.dcm", "chrX1.dcm", "chrKoreanMulti.dcm"])
def test_files_in_other_scripts_are_copied_whole(name: str) -> None:
    dataset = dcmread(CHARSET_FILES / name, force=True, stop_before_pixels=True)
    dataset.decode()
    expected = str(dataset.PatientName)
    data = Dataset({tag: dataset[tag] for tag in dataset.keys()})  # noqa: SIM118
    result = ran('(0010,4000) := (0010,0010)\n(0008,1030) := "é山И"', data)
    assert str(result.dataset.PatientName) == expected
    assert result.dataset.PatientComments == expected
    assert result.dataset.StudyDescription == "é山И"


def test_text_in_a_vr_of_ascii_alone() -> None:
    with pytest.raises(ScriptError, match="ASCII"):
        ran('(0008,0060) := "山"', data_set(PatientID="p"))


def test_a_value_too_long_for_its_vr_is_written_all_the_same() -> None:
    text = "x" * 70_000
    result = ran("(0008,1030) := (0040,A160)", data_set(TextValue=text))
    assert result.dataset[0x00081030].value in (text, text.encode())


def test_large_binary_values_are_emptied_and_not_read() -> None:
    data = element(0x00420011, "OB", b"\1" * (LONGEST + 2))
    subject = ScriptedObject(Header.index(data, explicit=True))
    applied = compiled('(0042,0011) := ""').apply(subject, HOST, changes=True)
    assert b"".join(subject.head_pieces()) == element(0x00420011, "OB", b"")
    assert applied.changes[0].before == f"{LONGEST + 2:,} bytes"
    again = ScriptedObject(Header.index(element(0x00420011, "OB", b"x\0"), explicit=True))
    assert not compiled('(0042,0011) := "x"').apply(again, HOST).undo
    with pytest.raises(ScriptError, match="no text"):
        compiled("echo (0042,0011)").apply(ScriptedObject(Header.index(data, explicit=True)), HOST)


def test_what_scripts_write_is_bounded() -> None:
    dataset = data_set(
        TextValue="x", ReferencedImageSequence=[data_set(TextValue="y") for _ in range(40)]
    )
    lines = ['v := "' + "x" * 1000 + '"', *(["v := concatenate[v, v]"] * 13)]
    with pytest.raises(ScriptError, match="characters are written"):
        ran("\n".join([*lines, "*/(0040,A160) ?= v"]), dataset)


def test_a_text_that_was_written_by_the_host_is_settled_too() -> None:
    subject = opened(data_set(PatientID="p"))
    subject.head.put(0x00100010, "PN", "Müller")
    assert reread(b"".join(subject.head_pieces())).SpecificCharacterSet == "ISO_IR 192"


def test_a_subject_that_is_done_with_goes_at_once() -> None:
    plan = compiled('(0008,1140)[0]/(0008,1155) := "1.2"\n(0010,0010) := "é"\n- (0010,0020)')
    gc.disable()
    try:
        subject = opened(data_set(PatientID="1", ReferencedImageSequence=[data_set()]))
        plan.apply(subject, HOST, changes=True)
        assert subject.head_pieces()
        gone = weakref.ref(subject)
        del subject
        assert gone() is None
    finally:
        gc.enable()


def test_a_character_set_that_was_a_sequence_gives_way() -> None:
    inside = item(element(0x00080050, "SH", b"AB"))
    data = sequence(0x00080005, [inside]) + element(0x00100010, "PN", b"A^B ")
    subject = ScriptedObject(Header.index(data, explicit=True))
    compiled('*/(0008,0050) ?= "A"\n(0010,0010) := "é"').apply(subject, HOST)
    found = Header.index(b"".join(subject.head_pieces()), explicit=True)
    assert (found.text(0x00080005), found.text(0x00100010)) == ("ISO_IR 192", "é")


def test_group_2_holds_no_other_group() -> None:
    with pytest.raises(HeaderError):
        index_meta(element(0x00000000, "UL", b"ABCD") + element(0x00020010, "UI", b"1.2\0"))
