# SPDX-License-Identifier: Apache-2.0
"""The data sets of Storage Commitment: what pydicom writes is read, what is written pydicom reads,
and nothing that a peer may send costs more than its limits."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from engine.dicom import commitment
from engine.dicom.commitment import (
    MOST_OBJECTS,
    Request,
    RequestError,
    RequestStatus,
    read_request,
    report,
    unpacked,
)

MR = "1.2.840.10008.5.1.4.1.1.4"
BOTH = pytest.mark.parametrize("explicit", [True, False])


def written(dataset: Dataset, *, explicit: bool) -> bytes:
    """Let pydicom encode a data set."""
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, not explicit
    write_dataset(file, dataset)
    return file.getvalue()


def parsed(data: bytes, *, explicit: bool) -> Dataset:
    """Let pydicom read a data set."""
    syntax = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
    meta = written_meta(str(syntax))
    return dcmread(BytesIO(bytes(128) + b"DICM" + meta + data))


def written_meta(syntax: str) -> bytes:
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    return struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element)) + element


def asked(objects: list[tuple[str, str]], *, undefined: bool = False) -> Dataset:
    """Make a request, with what no reader needs around each item."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.TransactionUID = "1.2.3"
    made.StorageMediaFileSetID = "X"
    items = []
    for sop_class, instance in objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        purpose = Dataset()
        purpose.CodeValue = "1"
        purpose.EquivalentCodeSequence = [Dataset()]
        item.PurposeOfReferenceCodeSequence = [purpose]
        for sequence in (purpose["EquivalentCodeSequence"], item["PurposeOfReferenceCodeSequence"]):
            sequence.is_undefined_length = undefined
        purpose.is_undefined_length_sequence_item = undefined
        item.is_undefined_length_sequence_item = undefined
        items.append(item)
    made.ReferencedSOPSequence = items
    made["ReferencedSOPSequence"].is_undefined_length = undefined
    return made


def raised(data: bytes, *, explicit: bool = False) -> RequestStatus:
    """Return the status that a request is refused with."""
    with pytest.raises(RequestError) as caught:
        read_request(data, explicit=explicit)
    return caught.value.status


@BOTH
@pytest.mark.parametrize("undefined", [True, False])
def test_what_pydicom_writes_is_read(explicit: bool, undefined: bool) -> None:
    objects = [(MR, f"1.2.3.{number}") for number in range(5)]
    data = written(asked(objects, undefined=undefined), explicit=explicit)
    request = read_request(data, explicit=explicit)
    assert (request.transaction, request.count) == ("1.2.3", 5)
    assert list(unpacked(request.objects)) == objects


@BOTH
@pytest.mark.parametrize(("committed", "failed"), [(0, 2), (3, 0), (2, 2)])
def test_what_is_written_pydicom_reads(explicit: bool, committed: int, failed: int) -> None:
    good = [(MR, f"1.2.3.{number}") for number in range(committed)]
    bad = [(MR, f"1.2.4.{number}", 0x0112) for number in range(failed)]
    data = b"".join(report("1.2.3", good, bad, explicit=explicit))
    told = parsed(data, explicit=explicit)
    assert told.TransactionUID == "1.2.3"
    assert [
        str(each.ReferencedSOPInstanceUID) for each in told.get("ReferencedSOPSequence", ())
    ] == [uid for _, uid in good]
    assert [
        (str(each.ReferencedSOPInstanceUID), each.FailureReason)
        for each in told.get("FailedSOPSequence", ())
    ] == [(uid, reason) for _, uid, reason in bad]
    assert ("ReferencedSOPSequence" in told) is bool(good)
    assert ("FailedSOPSequence" in told) is bool(bad)


def without(name: str, where: str = "") -> bytes:
    made = asked([(MR, "1.2.3.4")])
    delattr(made.ReferencedSOPSequence[0] if where else made, name)
    return written(made, explicit=False)


def test_what_is_missing_is_named_by_the_status() -> None:
    missing = RequestStatus.MISSING_ATTRIBUTE
    assert raised(b"") is missing
    assert raised(without("TransactionUID")) is missing
    assert raised(without("ReferencedSOPSequence")) is missing
    assert raised(without("ReferencedSOPClassUID", "item")) is missing
    assert raised(without("ReferencedSOPInstanceUID", "item")) is missing
    assert raised(written(asked([]), explicit=False)) is missing


@pytest.mark.parametrize(
    "uid", [b"", b"1." + 64 * b"2", b"1.2\n3.4 ", b"1.2\\3.4 ", b"\xff\xfe", b"1 2 "]
)
def test_a_uid_that_cannot_be_is_an_invalid_value(uid: bytes) -> None:
    data = struct.pack("<HHI", 0x0008, 0x1195, len(uid)) + uid
    assert raised(data) is RequestStatus.INVALID_VALUE


def item(length: int, body: bytes = b"") -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, length) + body


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\0\x95",
        struct.pack("<HHI", 0x0008, 0x0005, 100),
        struct.pack("<HHI", 0x0008, 0x1199, 0xFFFFFFFF),
        struct.pack("<HHI", 0x0008, 0x1199, 8) + item(4),
        struct.pack("<HHI", 0x0008, 0x1199, 4) + b"1234",
        struct.pack("<HHI", 0x0008, 0x1199, 8) + struct.pack("<HHI", 8, 8, 0),
        struct.pack("<HHI", 0x0008, 0x1199, 0xFFFFFFFF) + item(0xFFFFFFFF),
        # Sequences within sequences without an end.
        (struct.pack("<HHI", 0x0008, 0x0006, 0xFFFFFFFF) + item(0xFFFFFFFF)) * 1000,
    ],
)
def test_what_breaks_off_or_makes_no_sense_is_a_processing_failure(data: bytes) -> None:
    assert raised(data) is RequestStatus.PROCESSING_FAILURE


@BOTH
def test_as_many_objects_as_there_may_be_and_one_more(explicit: bool) -> None:
    def data(count: int) -> bytes:
        objects = ((MR, f"1.2.3.{number}") for number in range(count))
        return b"".join(report("1.2.3", objects, (), explicit=explicit))

    request = read_request(data(MOST_OBJECTS), explicit=explicit)
    assert request.count == MOST_OBJECTS
    assert len(request.objects) < 2_000_000
    listed = list(unpacked(request.objects))
    assert len(listed) == MOST_OBJECTS
    assert listed[-1] == (MR, f"1.2.3.{MOST_OBJECTS - 1}")
    assert raised(data(MOST_OBJECTS + 1), explicit=explicit) is RequestStatus.RESOURCE_LIMITATION


def test_the_largest_request_has_room_for_the_longest_uids() -> None:
    longest = "1." + 62 * "2"
    (_, sequence, one, *_) = report(longest, [(longest, longest)], (), explicit=True)
    assert len(one) * MOST_OBJECTS + len(sequence) < commitment.LARGEST_REQUEST


def test_packing_is_undone_however_it_is_cut() -> None:
    # Compresses to next to nothing, so that one piece of input gives many of output.
    lines = b"".join(b"1.2.3 1.2.3.4\n" for _ in range(20_000))
    assert list(unpacked(zlib.compress(lines, 9))) == [("1.2.3", "1.2.3.4")] * 20_000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_whatever_comes_is_read_or_refused(data: bytes, explicit: bool) -> None:
    good = written(asked([(MR, "1.2.3.4")]), explicit=explicit)
    for start in (b"", good[: len(good) // 2], good[:-3]):
        try:
            read = read_request(start + data, explicit=explicit)
        except RequestError:
            continue
        assert isinstance(read, Request)
