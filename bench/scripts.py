# SPDX-License-Identifier: Apache-2.0
"""A whole script over the header of one object in memory, beside what others take: pydicom told to
make the same edits, dicom-anonymizer with such rules, dicognito with its own. And the shipped basic
profile over an enhanced multi-frame image, beside pydicom that only reads its elements."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from bench import multiframe
from bench.header import EDITS, REMOVED, REPLACED, edit_pydicom
from bench.measure import Result, lower_bound, median
from engine.anonymize.language.check import load
from engine.anonymize.runtime.plan import CompiledScript, compile_script
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.shipped import text_of
from engine.dicom.header import Header
from engine.dicom.part10 import index_file, is_explicit

Work = Callable[[bytes], bytes]

OWN, UNDO, PYDICOM = "Anteroom", "Anteroom, with undo", "pydicom"
PROFILE, READING = "Anteroom, basic profile", "pydicom, reading alone"
_META_START = 132
_BLOCKS, _IN_BLOCK = 8, 50
_VARIABLES = {"project": "P", "subject": "S", "session": "E"}


def script() -> str:
    """Write the edits as a script."""
    lines = ['version "6.7"']
    lines += (f'({_tag(tag)}) := "{value}"' for tag, (_, value) in REPLACED.items())
    lines += (f"- ({_tag(tag)})" for tag in REMOVED)
    return "\n".join(lines) + "\n"


def _tag(tag: int) -> str:
    return f"{tag >> 16:04X},{tag & 0xFFFF:04X}"


def own(*, undo: bool) -> Work:
    """Index, run and put the pieces together; `undo`: also make what takes the changes back."""
    plan = compile_script(load(script()), name="bench", version=1)
    return lambda file: _run(plan, file, undo)


def _run(plan: CompiledScript, file: bytes, undo: bool) -> bytes:
    data = memoryview(file)
    meta, group2 = index_file(data)
    offset = meta.dataset_offset
    head = Header.index(data[offset:], explicit=is_explicit(meta.transfer_syntax))
    subject = ScriptedObject(head, meta=group2)
    plan.apply(subject, _VARIABLES, undo=undo)
    rest = data[offset + head.end :]
    start = (data[:_META_START], subject.meta_bytes())
    return b"".join((*start, *subject.head_pieces(), rest))


def profile() -> Work:
    """Run the shipped basic profile over a header, with what takes the changes back."""
    plan = compile_script(load(text_of("basic_profile.das")), name="bench", version=1)

    def work(header: bytes) -> bytes:
        subject = ScriptedObject(Header.index(header, explicit=True))
        plan.apply(subject, _VARIABLES)
        return b"".join(subject.head_pieces())

    return work


def reading(header: bytes) -> bytes:
    """Let pydicom look at every element of a header, and do nothing with it."""
    dataset = dcmread(io.BytesIO(header), force=True)
    for _ in dataset.iterall():
        pass
    return header


def dicom_anonymizer() -> Work:
    """Let dicom-anonymizer make such edits, by rules of ours and actions of its own."""
    module = import_module("dicomanonymizer.simpledicomanonymizer")
    rules: dict[tuple[int, int], object] = {}
    for tag, (_, value) in REPLACED.items():
        rules[tag >> 16, tag & 0xFFFF] = module.replace_with_value([value])
    for tag in REMOVED:
        rules[tag >> 16, tag & 0xFFFF] = module.delete

    def anonymize(dataset: Dataset) -> None:
        module.anonymize_dataset(
            dataset, base_rules_gen=lambda: dict(rules), delete_private_tags=False
        )

    return _saved(anonymize)


def dicognito() -> Work:
    """Let dicognito do what it does: it takes no rules."""
    anonymizer = import_module("dicognito.anonymizer").Anonymizer(seed="bench")
    return _saved(anonymizer.anonymize)


def _saved(edit: Callable[[Dataset], None]) -> Work:
    def work(file: bytes) -> bytes:
        dataset = dcmread(io.BytesIO(file))
        edit(dataset)
        written = io.BytesIO()
        dataset.save_as(written)
        return written.getvalue()

    return work


def candidates() -> tuple[dict[str, Work], tuple[str, ...]]:
    """Return all that can be measured here, and the names of the packages that are missing."""
    found: dict[str, Work] = {
        OWN: own(undo=False),
        UNDO: own(undo=True),
        PYDICOM: edit_pydicom,
    }
    others = {
        "dicom-anonymizer": ("dicomanonymizer", dicom_anonymizer),
        "dicognito": ("dicognito", dicognito),
    }
    missing = []
    for name, (package, make) in others.items():
        if find_spec(package) is None:
            missing.append(name)
        else:
            found[name] = make()
    return found, tuple(missing)


def objects() -> dict[str, bytes]:
    """Return small files of two modalities, and one with many private elements."""
    small = {name: _small(f"{name}_small.dcm") for name in ("CT", "MR")}
    dataset = dcmread(io.BytesIO(small["MR"]))
    for number in range(_BLOCKS):
        block = dataset.private_block(0x0099 + 2 * number, f"ACME {number}", create=True)
        for element in range(_IN_BLOCK):
            block.add_new(element, "LO", f"value {element}")
    written = io.BytesIO()
    dataset.save_as(written)
    return {**small, "private": written.getvalue()}


def _small(name: str) -> bytes:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    with open(path, "rb") as file:
        return file.read()


def run(*, quick: bool) -> list[Result]:
    """Measure in turns, each round beginning with another candidate."""
    rounds, times = (5, 4) if quick else (21, 20)
    works, missing = candidates()
    order = list(works)
    rows: list[tuple[object, ...]] = []
    for what, file in objects().items():
        spent: dict[str, list[float]] = {name: [] for name in works}
        for number in range(rounds):
            at = number % len(order)
            for name in order[at:] + order[:at]:
                more = 10 if name in (OWN, UNDO) else 1
                spent[name].append(_spent(works[name], file, times * more))
        rows += report(what, spent)
    rows += _many_items(quick=quick)
    remarks = [
        f"{EDITS} statements, files of {_sizes()} KB in memory, {rounds} rounds in turn; "
        "processor time; 'at least' is the lower bound of the median (95 %)",
        "'with undo' also makes what takes the changes back",
        f"multi-frame: {multiframe.FRAMES * multiframe.ITEMS_A_FRAME:,} items in its sequences, "
        f"{len(multiframe.header()) // 1000:,} KB of header",
        "dicom-anonymizer writes only what is there, and replaces dates instead of removing them",
        "dicognito takes no rules, and does what it always does",
    ]
    if missing:
        remarks.append(f"not installed, so left out: {', '.join(missing)} (group bench)")
    columns = ("header", "who", "ms", "times Anteroom", "at least")
    return [Result(name="scripts", columns=columns, rows=tuple(rows), remarks=tuple(remarks))]


def _many_items(*, quick: bool) -> list[tuple[object, ...]]:
    header = multiframe.header()
    works = {PROFILE: profile(), READING: reading}
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(2 if quick else 7):
        for name, work in works.items():
            spent[name].append(_spent(work, header, 1))
    return report("multi-frame", spent)


def report(what: str, spent: Mapping[str, list[float]]) -> list[tuple[object, ...]]:
    """Set all beside the first, by the ratios of each round."""
    rows: list[tuple[object, ...]] = []
    first = next(iter(spent.values()))
    for name, taken in spent.items():
        ratios = [theirs / ours for theirs, ours in zip(taken, first, strict=True)]
        rows.append((what, name, median(taken), median(ratios), lower_bound(ratios)))
    return rows


def _sizes() -> str:
    return ", ".join(str(len(file) // 1000) for file in objects().values())


def _spent(work: Work, file: bytes, times: int) -> float:
    """Return the milliseconds of processor time that one run takes."""
    began = time.process_time()
    for _ in range(times):
        work(file)
    return (time.process_time() - began) / times * 1000
