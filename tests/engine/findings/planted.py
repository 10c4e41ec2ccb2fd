# SPDX-License-Identifier: Apache-2.0
"""Objects with identifiers of an invented patient in many places, in five scripts, and the same
objects without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from engine.model.findings import FindingKind

ROOT = "1.2.826.0.1.3680043.10.1771.77"
MR = "1.2.840.10008.5.1.4.1.1.4"
US = "1.2.840.10008.5.1.4.1.1.6.1"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is planted."""

    script: str
    charset: str
    name: str
    family: str
    """A part of the name as people write it by itself."""
    number: str
    birth: str
    codec: str


PEOPLE = (
    Person(
        "Latin",
        "ISO_IR 100",
        "Mollenhauer^Jörgen",
        "Mollenhauer",
        "KH-448291",
        "19340317",
        "latin-1",
    ),
    Person(
        "Japanese",
        "ISO_IR 192",
        "Yamamura^Tarou=山村^太郎=やまむら^たろう",
        "山村",
        "東-448292",
        "19350418",
        "shift_jis",
    ),
    Person(
        "Chinese",
        "ISO_IR 192",
        "Zhangsun^Xiaodong=长孙^小东",
        "长孙",
        "HZ448293",
        "19360519",
        "gb18030",
    ),
    Person(
        "Korean",
        "ISO_IR 192",
        "Hwangbo^Gildong=황보^길동",
        "황보",
        "KR-448294",
        "19370620",
        "euc_kr",
    ),
    Person(
        "Cyrillic", "ISO_IR 144", "Люксембург^Иван", "Люксембург", "РУ-448295", "19380721", "cp1251"
    ),
)


@dataclass(frozen=True, slots=True)
class Plant:
    """One place, and how a value comes there."""

    place: str
    put: Callable[[Dataset, Person], None]
    file_name: str = ""
    """A name for the file, with `{}` for what is planted."""
    kind: FindingKind = FindingKind.RECURS
    """What it is found as."""
    expected: bool = True
    """Whether it is found."""


def scanned(person: Person, number: int = 1, sop: str = MR) -> Dataset:
    """Make an object that is clean but for what its own attributes say of the patient."""
    made = Dataset()
    made.SpecificCharacterSet = person.charset
    made.SOPClassUID, made.SOPInstanceUID = UID(sop), UID(f"{ROOT}.1.{number}")
    made.StudyInstanceUID, made.SeriesInstanceUID = UID(f"{ROOT}.2"), UID(f"{ROOT}.3")
    made.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    made.Modality, made.Manufacturer = "MR", "ACME"
    made.StudyDate, made.SeriesDate = "20260911", "20260911"
    made.StudyDescription, made.SeriesDescription = "knee left", "t1 mprage sag"
    made.ProtocolName, made.SequenceName = "t1_mprage", "tfl3d1"
    made.PatientName, made.PatientID = person.name, person.number
    made.PatientBirthDate = person.birth
    made.AccessionNumber, made.InstitutionName = "A-7714-22", "Klinikum Wolkenstein"
    made.ReferringPhysicianName, made.OperatorsName = "Quasthoff^Hilde", "Bernstorff^Ute"
    made.InstanceNumber, made.SeriesNumber = str(number), "4"
    made.BurnedInAnnotation = "NO"
    made.Rows = made.Columns = 8
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.SamplesPerPixel, made.PixelRepresentation = 1, 0
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = bytes(64)
    made["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop), made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta = meta
    return made


def _text(keyword: str, pattern: str = "{}") -> Callable[[Dataset, Person], None]:
    def put(made: Dataset, person: Person) -> None:
        setattr(made, keyword, pattern.format(person.family))

    return put


def _of(keyword: str, value: Callable[[Person], str]) -> Callable[[Dataset, Person], None]:
    def put(made: Dataset, person: Person) -> None:
        setattr(made, keyword, value(person))

    return put


def _private(vr: str, value: Callable[[Person], str | bytes]) -> Callable[[Dataset, Person], None]:
    def put(made: Dataset, person: Person) -> None:
        block = made.private_block(0x0029, "ACME HEADER", create=True)
        block.add_new(0x10, vr, value(person))

    return put


def _nested(keyword: str, value: Callable[[Person], str]) -> Callable[[Dataset, Person], None]:
    def put(made: Dataset, person: Person) -> None:
        item = Dataset()
        setattr(item, keyword, value(person))
        made.RequestAttributesSequence = Sequence([item])

    return put


def _kind(sop: str) -> Callable[[Dataset, Person], None]:
    def put(made: Dataset, person: Person) -> None:
        made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = UID(sop)
        del made.BurnedInAnnotation

    return put


def _overlay(made: Dataset, person: Person) -> None:
    made.add_new(0x60003000, "OW", bytes(8))
    made.add_new(0x60000010, "US", 8)
    made.add_new(0x60000011, "US", 8)


def _burned(made: Dataset, person: Person) -> None:
    made.BurnedInAnnotation = "YES"


def _curve(made: Dataset, person: Person) -> None:
    made.add_new(0x50003000, "OW", bytes(8))


def _squeezed(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def _dotted(birth: str) -> str:
    return f"{birth[6:]}.{birth[4:6]}.{birth[:4]}"


def _encoded(person: Person) -> bytes:
    data = b"\0\x01CSA" + person.family.encode(person.codec) + b"\xff\x00tail"
    return data + b"\0" * (len(data) % 2)


PLANTS = (
    Plant("SeriesDescription, family name", _text("SeriesDescription", "t2 tse Dr {} re")),
    Plant(
        "SeriesDescription, in capitals",
        _of("SeriesDescription", lambda one: f"T2 {one.family.upper()}"),
    ),
    Plant("ProtocolName, within another word", _text("ProtocolName", "prot{}x")),
    Plant(
        "ImageComments, given name first",
        _of("ImageComments", lambda one: " ".join(one.name.split("=")[0].split("^")[::-1])),
    ),
    Plant("StudyComments, patient id", _of("StudyComments", lambda one: f"see {one.number}")),
    Plant(
        "StudyDescription, id without separators",
        _of("StudyDescription", lambda one: f"x{_squeezed(one.number)}y"),
    ),
    Plant(
        "RequestedProcedureDescription, birth date",
        _of("RequestedProcedureDescription", lambda one: f"born {one.birth}"),
    ),
    Plant(
        "AdditionalPatientHistory, birth date with dots",
        _of("AdditionalPatientHistory", lambda one: f"geb. {_dotted(one.birth)}"),
    ),
    Plant(
        "DerivationDescription, operator", _of("DerivationDescription", lambda _: "by BERNSTORFF")
    ),
    Plant("ContrastBolusAgent, accession number", _of("ContrastBolusAgent", lambda _: "A771422")),
    Plant(
        "DeviceSerialNumber, institution",
        _of("DeviceSerialNumber", lambda _: "Wolkenstein, Klinikum, Klinikum Wolkenstein"),
    ),
    Plant("private LO", _private("LO", lambda one: f"pat {one.family}")),
    Plant("private LT, patient id", _private("LT", lambda one: f"id={one.number};")),
    Plant("private OB, as bytes of a maker", _private("OB", _encoded)),
    Plant("private UN, UTF-16", _private("UN", lambda one: one.family.encode("utf-16-le"))),
    Plant(
        "sequence, description",
        _nested("ScheduledProcedureStepDescription", lambda one: one.family),
    ),
    Plant("sequence, another patient id", _nested("RequestedProcedureID", lambda one: one.number)),
    Plant(
        "private sequence item",
        _nested("RequestedProcedureDescription", lambda one: f"{one.family}, {one.birth}"),
    ),
    Plant("file name", lambda made, person: None, file_name="{}"),
    Plant("overlay", _overlay, kind=FindingKind.GRAPHICS),
    Plant("curve", _curve, kind=FindingKind.GRAPHICS),
    Plant("burned in, as its sender says", _burned, kind=FindingKind.PIXELS),
    Plant("ultrasound", _kind(US), kind=FindingKind.PIXELS),
    Plant("secondary capture", _kind(SECONDARY), kind=FindingKind.PIXELS),
    Plant("structured report", _kind(REPORT), kind=FindingKind.DOCUMENT),
    Plant("encapsulated document", _kind(PDF), kind=FindingKind.DOCUMENT),
    Plant(
        "name with a typing error",
        _of("SeriesDescription", lambda one: f"{one.family[:1]}{one.family[2:]}"),
        expected=False,
    ),
    Plant("pixels, where nothing says so", lambda made, person: None, expected=False),
)


def write(folder: Path, number: int, made: Dataset, name: str = "") -> str:
    """Write an object as the prearchive has it; return its path below the folder."""
    place = folder / "SCANS" / "4" / "DICOM"
    place.mkdir(parents=True, exist_ok=True)
    file = f"{name or number}.dcm"
    made.save_as(place / file, enforce_file_format=True)
    return f"SCANS/4/DICOM/{file}"


def planted() -> Iterator[tuple[Plant, Person]]:
    """Yield every place with every person."""
    for plant in PLANTS:
        for person in PEOPLE:
            yield plant, person
