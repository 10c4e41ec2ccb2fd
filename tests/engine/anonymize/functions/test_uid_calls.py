# SPDX-License-Identifier: Apache-2.0
"""The functions for UIDs, called by scripts."""

from __future__ import annotations

import re

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.uids import hash_uid, mapped_uid
from tests.engine.anonymize.subjects import (
    HOST,
    SECRET,
    compiled,
    data_set,
    meta,
    opened,
    private,
    ran,
)

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple() -> Dataset:
    dataset = data_set(
        SOPInstanceUID="1.2.3",
        AccessionNumber="A",
        Rows=3,
        StudyInstanceUID="1.2.4",
        FailedSOPInstanceUIDList=["1.2.3", "1.2.5"],
        SeriesInstanceUID="",
        ReferencedImageSequence=[
            data_set(ReferencedSOPInstanceUID="1.2.3"),
            data_set(ReferencedSOPInstanceUID="1.2.6"),
        ],
    )
    private(dataset, 0x0019, "C", 0x01, "UI", "1.2.3")
    return dataset


@BOTH
def test_lists_of_uids_are_hashed_value_by_value_and_once(explicit: bool) -> None:
    text = """
    more := { (0020,000D), (0020,000E), (0008,1140) }
    hashUIDList[*/(0008,1155), "(0008,1140)[0]/(0008,1155)", { (0008,0058), more }, (0020,0052)]
    """
    dataset = ran(text, simple(), explicit=explicit).dataset
    references = [one.ReferencedSOPInstanceUID for one in dataset.ReferencedImageSequence]
    assert references == [hash_uid("1.2.3"), hash_uid("1.2.6")]
    assert dataset.FailedSOPInstanceUIDList == [hash_uid("1.2.3"), hash_uid("1.2.5")]
    assert dataset.StudyInstanceUID == hash_uid("1.2.4")
    assert not dataset.SeriesInstanceUID
    assert dataset.SOPInstanceUID == "1.2.3"


def test_hashing_what_is_no_uid_is_told_without_its_value() -> None:
    result = ran("hashUIDList[(0008,0050), (0028,0010), (0019,{C}XX)]", simple())
    assert result.applied.notes == ("line 2: hashUIDList meets an element of VR SH",)
    assert result.dataset.AccessionNumber == hash_uid("A")
    assert result.dataset.Rows == 3
    assert result.dataset[0x0019, 0x0010].value == "C"
    assert result.dataset[0x0019, 0x1001].value == hash_uid("1.2.3")


def test_group_2_is_hashed_too_but_follows_the_data_set() -> None:
    head = data_set(SOPInstanceUID="1.2.3")
    group = meta(MediaStorageSOPInstanceUID="1.2.3", PrivateInformationCreatorUID="1.5")
    subject = opened(head, meta=group)
    compiled("hashUIDList[(0002,0003), (0002,0100)]").apply(subject, HOST)
    written = subject.meta_bytes()
    assert (hash_uid("1.5") or "").encode() in written
    assert b"1.2.3\0" in written


def test_a_text_that_is_no_path_is_an_error() -> None:
    with pytest.raises(ScriptError, match="path"):
        ran("hashUIDList[subject]", simple())


@BOTH
def test_mapped_uids_are_the_same_for_the_same_value(explicit: bool) -> None:
    text = """
    mapReferencedUIDs["1.9.", "*/(0008,1155)", "no path", "(0008,0058)"]
    (0008,0018) := mapUID[(0008,0018), "1.9."]
    (0020,000D) := mapUID["1.2.3", "1.8"]
    (0020,000E) := mapUID[(0020,0052), "1.8"]
    """
    result = ran(text, simple(), explicit=explicit)
    dataset = result.dataset
    first = mapped_uid(SECRET, "1.9", "1.2.3")
    assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first
    assert dataset.FailedSOPInstanceUIDList[0] == first
    assert dataset.SOPInstanceUID == first
    assert dataset.StudyInstanceUID == mapped_uid(SECRET, "1.8", "1.2.3")
    assert not dataset.SeriesInstanceUID
    assert result.applied.notes == ("line 3: a text that is no path is left out",)


def test_mapping_without_a_secret_is_an_error() -> None:
    with pytest.raises(ScriptError, match="secret"):
        ran('(0008,0018) := mapUID[(0008,0018), "1.9"]', simple(), options={"secret": b""})


def test_a_new_uid_is_new_at_every_call() -> None:
    dataset = ran("(0008,0018) := newUID[]\n(0020,000D) := newUID[]", simple()).dataset
    assert re.fullmatch(r"2\.25\.[0-9]{30,39}", dataset.SOPInstanceUID)
    assert dataset.SOPInstanceUID != dataset.StudyInstanceUID
