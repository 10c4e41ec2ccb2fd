# SPDX-License-Identifier: Apache-2.0
"""The header of one object in memory: ten routing tags read, and an anonymization of 28 elements
written, beside what pydicom takes for the same."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag

from bench.measure import Result, lower_bound, median
from bench.objects import Template
from engine.dicom.edit import HeaderEdit
from engine.dicom.header import Header
from engine.dicom.part10 import read_meta

ROUTING = (
    0x00080016,
    0x00080018,
    0x00080020,
    0x00080060,
    0x00081030,
    0x0008103E,
    0x00100010,
    0x00100020,
    0x00104000,
    0x0020000D,
)
"""What routing by default asks of an object."""

REPLACED = {
    0x00080012: ("DA", "20000101"),
    0x00080013: ("TM", "120000"),
    0x00080020: ("DA", "20000101"),
    0x00080021: ("DA", "20000101"),
    0x00080023: ("DA", "20000101"),
    0x00080030: ("TM", "120000"),
    0x00080031: ("TM", "120000"),
    0x00080033: ("TM", "120000"),
    0x00080050: ("SH", "ACCESSION"),
    0x00080080: ("LO", "INSTITUTION"),
    0x00080090: ("PN", "REFERRER"),
    0x00081030: ("LO", "STUDY"),
    0x00100010: ("PN", "SUBJECT"),
    0x00100020: ("LO", "SUBJECT"),
}
REMOVED = (
    0x00080081,
    0x00080201,
    0x00081010,
    0x00081040,
    0x00081048,
    0x00081050,
    0x00081070,
    0x00100030,
    0x00100040,
    0x00101010,
    0x00101030,
    0x00102160,
    0x001021B0,
    0x00181000,
)
EDITS = len(REPLACED) + len(REMOVED)


def read_own(file: bytes) -> list[str]:
    """Index the header and give the routing tags."""
    header = _index(file)
    return [header.text(tag) or "" for tag in ROUTING]


def read_pydicom(file: bytes) -> list[str]:
    """Return the routing tags with pydicom, which is told to read no others."""
    dataset = dcmread(io.BytesIO(file), specific_tags=list(ROUTING), stop_before_pixels=True)
    return [str(dataset.get(tag).value) if tag in dataset else "" for tag in ROUTING]


def edit_own(file: bytes) -> bytes:
    """Index, edit and write the whole file."""
    offset = read_meta(file).dataset_offset
    header = _index(file)
    edit = HeaderEdit(header)
    for tag, (vr, value) in REPLACED.items():
        edit.set(tag, vr, value.encode())
    for tag in REMOVED:
        edit.remove(tag)
    data = memoryview(file)
    return b"".join([data[:offset], *edit.write(), data[offset + header.end :]])


def edit_pydicom(file: bytes) -> bytes:
    """Read, edit and write the whole file with pydicom."""
    dataset: Dataset = dcmread(io.BytesIO(file))
    for tag, (_, value) in REPLACED.items():
        setattr(dataset, keyword_for_tag(tag), value)
    for tag in REMOVED:
        if tag in dataset:
            del dataset[tag]
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()


def _index(file: bytes) -> Header:
    offset = read_meta(file).dataset_offset
    return Header.index(memoryview(file)[offset:], explicit=True)


def run(*, quick: bool) -> list[Result]:
    """Measure in turns, so that both meet the same machine; processor time of this process."""
    file = Template(256).file
    rounds, times = (7, 20) if quick else (21, 100)
    rows: list[tuple[object, ...]] = []
    pairs: list[tuple[str, Callable[[bytes], object], Callable[[bytes], object]]] = [
        (f"index and {len(ROUTING)} tags", read_own, read_pydicom),
        (f"index, {EDITS} edits, write", edit_own, edit_pydicom),
    ]
    for what, own, other in pairs:
        taken = [(_spent(own, file, times), _spent(other, file, times)) for _ in range(rounds)]
        ratios = [theirs / ours for ours, theirs in taken]
        rows.append(
            (
                what,
                median([ours for ours, _ in taken]),
                median([theirs for _, theirs in taken]),
                median(ratios),
                lower_bound(ratios),
            )
        )
    return [
        Result(
            name="header",
            columns=("what", "own, ms", "pydicom, ms", "pydicom/own", "at least"),
            rows=tuple(rows),
            remarks=(
                f"one MR object of {len(file) // 1000} KB in memory; {rounds} pairs of "
                f"{times} runs in turn; 'at least' is the lower bound of the median (95 %)",
            ),
        )
    ]


def _spent(work: Callable[[bytes], object], file: bytes, times: int) -> float:
    """Return the milliseconds of processor time that one run takes."""
    began = time.process_time()
    for _ in range(times):
        work(file)
    return (time.process_time() - began) / times * 1000
