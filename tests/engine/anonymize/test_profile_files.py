# SPDX-License-Identifier: Apache-2.0
"""The scripts of the confidentiality profile run over files: an object with every attribute of the
table in every place, and pydicom's own files. What is read back is read by pydicom."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from engine.anonymize.files import FileRun, Recipe
from engine.anonymize.functions.uids import hash_each_uid
from engine.anonymize.profile.generator import DATE_SHIFT, SHIPPED, profile_script
from engine.anonymize.profile.table import (
    PRIVATE,
    Option,
    Row,
    Treatment,
    forgotten,
    rows,
    treatment,
    without_options,
)
from engine.anonymize.profile.values import DUMMIES
from engine.dicom.dictionary import vr_of as dictionary_vr
from engine.dicom.edit import encoded
from engine.dicom.part10 import BIG_ENDIAN, read_meta
from engine.model.changes import ScriptOutcome
from tests.engine.dicom.datasets import EXPLICIT, IMPLICIT, item, part10, part10_files, turned_about

HOSTS = {"project": "P", "subject": "S", "session": "E"}
EVERYTHING = frozenset(Option) - {Option.FULL_DATES}
CHOICES = [*SHIPPED.values(), EVERYTHING, frozenset((Option.FULL_DATES,))]

OUTER, INNER = 0x00081115, 0x00081199
"""Sequences that the table does not name, to plant attributes in."""
CODE_MEANING, REFERENCED, PATIENT_NAME = 0x00080104, 0x00081155, 0x00100010
PIXELS = 0x7FE00010
PIXEL_BYTES = bytes(range(256)) * 4
UNTOUCHED = {
    0x00080060: ("CS", b"mr"),
    0x00180050: ("DS", b" 1.50 "),
    0x00180080: ("DS", b"2e3 "),
    0x00280010: ("US", b"\x10\x00"),
    0x00280011: ("US", b"\x20\x00"),
    0x00281050: ("DS", b"40\\50 "),
}


# --------------------------------------------------------------------------------------- planting


def tag_of(row: Row) -> int:
    """Return the tag of a row; of a repeating group one that is as good as any."""
    return int(re.sub("[X@]", "0", row.tag.strip("()").replace(",", "")), 16)


def planted_rows() -> list[tuple[int, Row]]:
    """Return the rows that a data set can hold, with their tags, in the order of the tags."""
    anywhere = [row for row in (*rows(), *forgotten()) if row.tag != PRIVATE and "/" not in row.tag]
    found = [(tag_of(row), row) for row in anywhere]
    return sorted((tag, row) for tag, row in found if tag >> 16 not in (0, 2))


def vr_of(row: Row) -> str:
    return row.vr or ("OW" if row.tag.startswith("(50") else "LO")


def planted(tag: int, vr: str) -> bytes:
    """Make a value that names its element, so that it is recognised wherever it comes out."""
    number = tag % 100_000
    texts = {
        "DA": f"{date(1903, 1, 1) + timedelta(days=tag % 30_000):%Y%m%d}",
        "DT": f"{date(1903, 1, 1) + timedelta(days=tag % 30_000):%Y%m%d}101112.{number:06}",
        "TM": f"031415.{number:06}",
        "UI": f"1.9.99999.{tag}",
        "AS": f"{number % 900 + 100}W",
        "DS": f"73.{number:05}",
        "IS": f"73{number:05}",
    }
    if vr in ("US", "UL"):
        return struct.pack("<H" if vr == "US" else "<I", number % 60_000)
    text = texts.get(vr, f"LEAK{tag:08X}")
    return text.encode() + (b"" if len(text) % 2 == 0 else b"\0" if vr == "UI" else b" ")


def content(row: Row, tag: int, explicit: bool) -> bytes:
    """Make the value of a row."""
    if vr_of(row) != "SQ":
        return planted(tag, vr_of(row))
    inside = encoded(CODE_MEANING, "LO", planted(tag, "LO"), explicit=explicit)
    if row.basic == "X/Z/U*":
        inside = encoded(REFERENCED, "UI", planted(REFERENCED, "UI"), explicit=explicit)
        inside += encoded(PATIENT_NAME, "PN", b"LEAK00100010", explicit=explicit)
    return item(inside)


def private(group: int, explicit: bool) -> dict[int, bytes]:
    start = group << 16
    return {
        start + 0x10: encoded(start + 0x10, "LO", b"LEAK CREATOR", explicit=explicit),
        start + 0x1001: encoded(start + 0x1001, "LO", b"LEAKPRIV", explicit=explicit),
    }


def level(explicit: bool, **more: bytes) -> bytes:
    """Write every attribute of the table once, with private ones and those of no concern."""
    found = {
        tag: encoded(tag, vr_of(row), content(row, tag, explicit), explicit=explicit)
        for tag, row in planted_rows()
    }
    for tag, (vr, value) in UNTOUCHED.items():
        found[tag] = encoded(tag, vr, value, explicit=explicit)
    found |= private(0x0029, explicit) | private(0x7FE1, explicit)
    found |= {int(name[1:], 16): value for name, value in more.items()}
    return b"".join(found[tag] for tag in sorted(found))


def planted_file(path: Path, syntax: str) -> Path:
    """Write an object that names its patient wherever it can: at the root, in items of two depths,
    among private elements, in group 2 and behind the pixels."""
    explicit = syntax == EXPLICIT
    inner = encoded(INNER, "SQ", item(level(explicit)), explicit=explicit)
    outer = encoded(OUTER, "SQ", item(level(explicit, x00081199=inner)), explicit=explicit)
    body = level(
        explicit,
        x00080016=encoded(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4\0", explicit=explicit),
        x00081115=outer,
        x7FE00010=encoded(PIXELS, "OW", PIXEL_BYTES, explicit=explicit),
    )
    meta = b"".join(
        encoded(tag, vr, value + b"\0" * (len(value) % 2), explicit=True)
        for tag, vr, value in (
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4"),
            (0x00020003, "UI", planted(0x00080018, "UI")),
            (0x00020010, "UI", syntax.encode()),
            (0x00020016, "AE", b"LEAK_AE"),
            (0x00020100, "UI", b"1.9.99999.3"),
            (0x00020102, "OB", b"LEAKMETA"),
        )
    )
    length = encoded(0x00020000, "UL", struct.pack("<I", len(meta)), explicit=True)
    path.write_bytes(b"LEAK" * 32 + b"DICM" + length + meta + body)
    return path


# ---------------------------------------------------------------------------------------- reading


@dataclass
class Ran:
    """A file as it was written, and as pydicom reads it."""

    data: bytes
    dataset: Dataset


def run(source: Path, target: Path, text: str) -> Ran:
    with closing(FileRun(Recipe(name="profile", text=text, variables=HOSTS))) as runner:
        done = runner.run(source, target)
    assert done.error is None, done.error
    assert done.outcome is ScriptOutcome.CHANGED
    return Ran(target.read_bytes(), pydicom.dcmread(target))


def raw(dataset: Dataset, tag: int) -> bytes | None:
    """Return the bytes of a value as they stand in the file."""
    if tag not in dataset:
        return None
    value = dataset.get_item(Tag(tag)).value
    return bytes(value or b"")


def below(dataset: Dataset, *tags: int) -> Dataset:
    for tag in tags:
        dataset = dataset[tag].value[0]
    return dataset


def places(dataset: Dataset) -> Iterator[tuple[str, Dataset]]:
    yield "root", dataset
    yield "item", below(dataset, OUTER)
    yield "item of an item", below(dataset, OUTER, INNER)


def shifted(value: bytes) -> bytes:
    text = value.decode().strip(" ")
    day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + timedelta(days=DATE_SHIFT)
    moved = f"{day:%Y%m%d}{text[8:]}"
    return moved.encode() + b" " * (len(moved) % 2)


def padded(text: str, vr: str) -> bytes:
    filler = b"\0" if vr in ("UI", "OB", "UN") else b" "
    return text.encode() + filler * (len(text) % 2)


def at_place(row: Row, how: Treatment, place: str) -> Treatment:
    """Return what has to be done at the root or in an item; no planted word is a safe one."""
    root, inside = without_options(row)
    if how is Treatment.WORDS:
        how = root
    return inside if how is root and place != "root" else how


def wanted(row: Row, tag: int, how: Treatment) -> bytes | None:
    """Return the value that has to be written; sequences aside."""
    vr = vr_of(row)
    before = planted(tag, vr)
    match how:
        case Treatment.REMOVE:
            return None
        case Treatment.EMPTY:
            return b""
        case Treatment.DUMMY:
            return padded(DUMMIES[vr], vr)
        case Treatment.HASH:
            return padded(hash_each_uid(before.decode().strip("\0")), vr)
        case Treatment.SHIFT:
            return shifted(before)
        case _:
            return before


def items_wanted(how: Treatment) -> int | None:
    """Return how many items a sequence has to have; None where it has to be gone."""
    if how is Treatment.REMOVE:
        return None
    return 0 if how is Treatment.EMPTY else 1


def names(options: frozenset[Option]) -> str:
    return "+".join(sorted(one.value for one in options)) or "none"


# ------------------------------------------------------------------------------- the planted object


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_every_attribute_is_treated_in_every_place(
    options: frozenset[Option], syntax: str, tmp_path: Path
) -> None:
    source = planted_file(tmp_path / "in.dcm", syntax)
    ran = run(source, tmp_path / "out.dcm", profile_script(options))
    wrong = []
    for place, dataset in places(ran.dataset):
        for tag, row in planted_rows():
            how = at_place(row, treatment(row, options), place)
            if vr_of(row) == "SQ":
                got: object = len(dataset[tag].value) if tag in dataset else None
                right: object = items_wanted(how)
            else:
                got, right = raw(dataset, tag), wanted(row, tag, how)
            if got != right:
                wrong.append((place, row.tag, row.name, how, right, got))
    assert wrong == []


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_nothing_planted_is_in_the_bytes_but_what_is_kept(
    options: frozenset[Option], syntax: str, tmp_path: Path
) -> None:
    source = planted_file(tmp_path / "in.dcm", syntax)
    data = run(source, tmp_path / "out.dcm", profile_script(options)).data
    kept = {tag for tag, row in planted_rows() if treatment(row, options) is Treatment.KEEP}
    leaks = {int(found, 16) for found in re.findall(rb"LEAK([0-9A-F]{8})", data)}
    assert leaks <= kept
    # Of texts that are no marker of a row nothing is left at all.
    assert {found for found in re.findall(rb"LEAK(?![0-9A-F]{8})[ -~]*", data)} == set()
    uids = {int(found) for found in re.findall(rb"1\.9\.99999\.([0-9]+)", data)}
    assert uids <= (kept | {REFERENCED} if Option.RETAIN_UIDS in options else kept)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
def test_the_basic_profile_leaves_no_planted_value_in_the_bytes(
    syntax: str, tmp_path: Path
) -> None:
    source = planted_file(tmp_path / "in.dcm", syntax)
    before = source.read_bytes()
    data = run(source, tmp_path / "out.dcm", profile_script()).data
    for tag, row in planted_rows():
        value = planted(tag, vr_of(row)).strip(b" \0")
        assert vr_of(row) == "SQ" or value in before
        # Short ones stand for too much else.
        assert len(value) < 6 or value not in data, row.tag


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
def test_what_the_table_does_not_name_keeps_its_bytes(syntax: str, tmp_path: Path) -> None:
    source = planted_file(tmp_path / "in.dcm", syntax)
    ran = run(source, tmp_path / "out.dcm", profile_script())
    for place, dataset in places(ran.dataset):
        for tag, (_, value) in UNTOUCHED.items():
            assert raw(dataset, tag) == value, (place, hex(tag))
    assert raw(ran.dataset, PIXELS) == PIXEL_BYTES
    assert ran.dataset.file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_a_second_run_changes_nothing(options: frozenset[Option], tmp_path: Path) -> None:
    text = profile_script(options)
    once = run(planted_file(tmp_path / "in.dcm", EXPLICIT), tmp_path / "once.dcm", text)
    with closing(FileRun(Recipe(name="profile", text=text, variables=HOSTS))) as runner:
        again = runner.run(tmp_path / "once.dcm", tmp_path / "again.dcm")
    assert again.error is None
    assert (tmp_path / "again.dcm").read_bytes() == once.data


def test_what_was_done_is_told(tmp_path: Path) -> None:
    source = planted_file(tmp_path / "in.dcm", EXPLICIT)
    dataset = run(source, tmp_path / "out.dcm", profile_script(EVERYTHING)).dataset
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [one.CodeValue for one in dataset.DeidentificationMethodCodeSequence]
    assert codes[0] == "113100" and len(codes) == len(EVERYTHING)
    assert all(
        one.CodingSchemeDesignator == "DCM" for one in (dataset.DeidentificationMethodCodeSequence)
    )
    # Some UIDs are hashed even with the option that keeps UIDs, as the table wants it.
    assert list(dataset.DeidentificationMethod) == [
        "UIDs hashed by Anteroom",
        "dates shifted by Anteroom",
        "DICOM PS3.15 Basic Profile",
    ]


def test_earlier_methods_are_not_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "in.dcm"
    before = pydicom.dcmread(planted_file(path, EXPLICIT))
    before.DeidentificationMethod = "by hand"
    before.save_as(path)
    dataset = run(path, tmp_path / "out.dcm", profile_script()).dataset
    assert list(dataset.DeidentificationMethod) == [
        "by hand",
        "UIDs hashed by Anteroom",
        "DICOM PS3.15 Basic Profile",
    ]


def test_safe_private_elements_stay_and_others_go(tmp_path: Path) -> None:
    path = tmp_path / "in.dcm"
    before = pydicom.dcmread(planted_file(path, EXPLICIT))
    for dataset in (before, below(before, OUTER)):
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", "1000")
        block.add_new(0x08, "CS", "LEAKOTHER")
    before.save_as(path)
    ran = run(path, tmp_path / "out.dcm", profile_script(frozenset((Option.RETAIN_PRIVATE,))))
    for dataset in (ran.dataset, below(ran.dataset, OUTER)):
        found = dataset.private_block(0x0019, "SIEMENS MR HEADER")
        assert found[0x0C].value == 1000
        assert 0x08 not in found
        assert [one.tag.group for one in dataset if one.tag.is_private] == [0x0019, 0x0019]


def test_descriptions_of_safe_words_are_kept_at_the_root(tmp_path: Path) -> None:
    path = tmp_path / "in.dcm"
    before = pydicom.dcmread(planted_file(path, EXPLICIT))
    for dataset in (before, below(before, OUTER)):
        dataset.SeriesDescription = "T1 MPRAGE sag"
        dataset.StudyDescription = "MR Smith"
    before.save_as(path)
    text = profile_script(frozenset((Option.CLEAN_DESCRIPTORS,)))
    after = run(path, tmp_path / "out.dcm", text).dataset
    assert after.SeriesDescription == "T1 MPRAGE sag"
    assert "StudyDescription" not in after
    assert below(after, OUTER).SeriesDescription == "REMOVED"


def test_what_is_no_date_is_not_shifted_but_replaced(tmp_path: Path) -> None:
    path = tmp_path / "in.dcm"
    before = pydicom.dcmread(planted_file(path, EXPLICIT))
    odd = {"StudyDate": "2019.01.05", "ContentDate": "20190229", "AdmittingDate": "1.1.2024"}
    for dataset in (before, below(before, OUTER), below(before, OUTER, INNER)):
        for keyword, value in odd.items():
            dataset[keyword] = DataElement(keyword, "DA", value, validation_mode=IGNORE)
        dataset.SeriesDate = "19000101"
        dataset.AcquisitionDateTime = "20161231235960"
    before.save_as(path)
    text = profile_script(frozenset((Option.MODIFIED_DATES,)))
    after = run(path, tmp_path / "out.dcm", text).dataset
    for place, dataset in places(after):
        assert raw(dataset, 0x00080020) == b"", place
        assert raw(dataset, 0x00080021) == raw(dataset, 0x00080023) == b"19000101", place
        assert raw(dataset, 0x0008002A) == shifted(b"20161231235960"), place
        assert "AdmittingDate" not in dataset, place


# ------------------------------------------------------------------------------- files of pydicom


def walk(dataset: Dataset) -> Iterator[Dataset]:
    yield dataset
    for one in dataset:
        if one.VR == "SQ":
            for part in one.value:
                yield from walk(part)


def left_over(dataset: Dataset, options: frozenset[Option]) -> list[str]:
    """Tell what of a data set is not as its code has it."""
    by_tag = {tag: treatment(row, options) for tag, row in planted_rows()}
    wrong = []
    for part in walk(dataset):
        for one in part:
            how = by_tag.get(int(one.tag))
            values = [one.value] if one.VM == 1 else list(one.value or ())
            right = {
                Treatment.REMOVE: False,
                Treatment.EMPTY: one.is_empty,
                Treatment.HASH: all(str(value).startswith("2.25.") for value in values),
            }
            if one.tag.is_private and Option.RETAIN_PRIVATE not in options:
                wrong.append(f"{one.tag} private")
            if how is not None and not right.get(how, True):
                wrong.append(f"{one.tag} {how} {one.value!r}")
    return wrong


def lost(before: Dataset, after: Dataset) -> list[str]:
    """Tell which elements of the root are gone or changed that the profile does not name."""
    named = {tag for tag, _ in planted_rows()} | {0x00120062, 0x00120063, 0x00120064, 0x00280303}
    wrong = []
    for tag in sorted(before.keys()):
        repeating = tag.group & 0xFF00 in (0x5000, 0x6000)
        # Group lengths are left out where a group changes.
        if (
            not tag.element
            or tag.is_private
            or repeating
            or tag in named
            or dictionary_vr(tag) == "SQ"
        ):
            continue
        if tag not in after or before.get_item(tag).value != after.get_item(tag).value:
            wrong.append(str(tag))
    return wrong


def as_little(source: Path) -> Dataset:
    """Read a file; one that is big endian as if its bytes were in the other order."""
    data = source.read_bytes()
    meta = read_meta(data)
    if meta.transfer_syntax != BIG_ENDIAN:
        return pydicom.dcmread(source)
    turned = turned_about(data[meta.dataset_offset :])
    return pydicom.dcmread(BytesIO(part10(turned, EXPLICIT)))


REFUSED = re.compile("is a DICOMDIR|is no DICOM file|cannot be read for sure")


@pytest.mark.parametrize("options", SHIPPED.values(), ids=names)
def test_files_of_every_kind_come_out_right_or_are_refused(
    options: frozenset[Option], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", IGNORE)
    recipe = Recipe(name="profile", text=profile_script(options), variables=HOSTS)
    written = 0
    with closing(FileRun(recipe)) as runner:
        for number, source in enumerate(part10_files()):
            target = tmp_path / f"{number}.dcm"
            error = runner.run(source, target).error
            if error is not None:
                assert not target.exists()
                assert REFUSED.search(error.message), (source.name, error)
                continue
            written += 1
            before, after = as_little(source), pydicom.dcmread(target)
            # As bytes, before anything is read.
            assert lost(before, after) == [], source.name
            assert left_over(after, options) == [], source.name
            assert before.get("PixelData") == after.get("PixelData"), source.name
    assert written > 150
