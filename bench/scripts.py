"""A whole script over the header of one object, beside what pydicom takes for the same edits. The
script is read and made ready beforehand, as it is once for thousands of objects."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.header import EDITS, REMOVED, REPLACED, edit_pydicom
from bench.measure import Result, lower_bound, median
from bench.objects import Template
from engine.anonymize.check import load
from engine.anonymize.plan import Plan, compile_script
from engine.anonymize.subject import Subject
from engine.dicom.dictionary import format_tag
from engine.dicom.header import Header
from engine.dicom.part10 import read_meta

_HOST = {"project": "BENCH", "subject": "S1", "session": "E1"}


def plan() -> Plan:
    """Make the edits of the header benchmark a script."""
    lines = [
        'version "6.7"',
        *(f'{format_tag(tag)} := "{value}"' for tag, (_, value) in REPLACED.items()),
        *(f"- {format_tag(tag)}" for tag in REMOVED),
    ]
    return compile_script(load("\n".join(lines)), name="site", version=1)


def applied(script: Plan, file: bytes, *, undo: bool) -> bytes:
    """Index, run and write the whole file."""
    offset = read_meta(file).dataset_offset
    data = memoryview(file)
    header = Header.index(data[offset:], explicit=True)
    subject = Subject(header)
    script.apply(subject, _HOST, undo=undo)
    return b"".join([data[:offset], *subject.head_pieces(), data[offset + header.end :]])


def run(*, quick: bool) -> list[Result]:
    """Measure in turns, so that both meet the same machine; processor time of this process."""
    file = Template(256).file
    script = plan()
    rounds, times = (7, 20) if quick else (21, 100)
    rows: list[tuple[object, ...]] = []
    ways: list[tuple[str, Callable[[bytes], object]]] = [
        ("run and write", lambda file: applied(script, file, undo=False)),
        ("with what takes it back", lambda file: applied(script, file, undo=True)),
    ]
    for what, own in ways:
        taken = [
            (_spent(own, file, times), _spent(edit_pydicom, file, times)) for _ in range(rounds)
        ]
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
            name="scripts",
            columns=("what", "own, ms", "pydicom, ms", "pydicom/own", "at least"),
            rows=tuple(rows),
            remarks=(
                f"{EDITS} statements over one MR object of {len(file) // 1000} KB in memory, index "
                f"included; {rounds} pairs of {times} runs in turn; 'at least' is the lower bound "
                "of the median (95 %)",
            ),
        )
    ]


def _spent(work: Callable[[bytes], object], file: bytes, times: int) -> float:
    """Give the milliseconds of processor time that one run takes."""
    began = time.process_time()
    for _ in range(times):
        work(file)
    return (time.process_time() - began) / times * 1000
