# SPDX-License-Identifier: Apache-2.0
"""Session documents are valid by XNAT's own schema, and catalogs by the table of what XNAT has in
them: for every kind of session that a build makes, of real and of made-up objects. The schema is no
part of the project: `make schema` gets it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
from pydicom.config import disable_value_validation
from pydicom.datadict import dictionary_VR

from engine.dicom.guard import Guard
from engine.sessions.build.assemble import BuildError, assemble
from engine.sessions.build.attributes import ATTRIBUTES, ValueKind
from engine.sessions.build.layout import LABELS
from engine.sessions.build.types import load_types
from tests.engine.sessions.build.objects import CT, MR, PET, SC, item, received
from tests.line.real_sessions import pet_ct, siemens_mosaics

SCHEMA = Path(sys.prefix) / "xnat-schema"
SAMPLES = Path(pydicom.data.__file__).parent / "test_files"

# What xnat.xsd imports and the source distribution does not have; it names one type of it.
PROVENANCE = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
    targetNamespace="http://www.nbirn.net/prov" elementFormDefault="qualified">
  <xs:complexType name="process"><xs:sequence/></xs:complexType>
</xs:schema>
"""

OTHER = "1.2.3.99"
SR = "1.2.840.10008.5.1.4.1.1.88.22"


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the schema out as its parts name each other."""
    root = tmp_path_factory.mktemp("schema")
    for name, source in (("xnat/xnat.xsd", "xnat.xml"), ("xdat/xdat.xsd", "xdat.xml")):
        if not (SCHEMA / source).exists():
            pytest.fail(f"{SCHEMA / source} is not there: make schema")
        (root / name).parent.mkdir()
        shutil.copyfile(SCHEMA / source, root / name)
    (root / "birn").mkdir()
    (root / "birn" / "birnprov.xsd").write_text(PROVENANCE)
    return root / "xnat" / "xnat.xsd"


def invalid(schema: Path, documents: list[Path]) -> list[str]:
    """Validate documents; return what is wrong with them."""
    command = ["xmllint", "--noout", "--nonet", "--schema", str(schema), *map(str, documents)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in ran.stderr.splitlines() if not line.endswith(" validates")]
    assert (ran.returncode == 0) is not bool(lines), ran.stderr[:2000]
    return [line.removeprefix(str(documents[0].parents[1])) for line in lines]


def built(folder: Path, guard: Guard) -> Path:
    """Build the session in a folder; return its document."""
    assemble(folder, project="P", label=folder.name, subject="S", guard=guard)
    return folder.with_suffix(".xml")


def filled(kind: str) -> dict[str, Any]:
    """Return a value for every element that a build reads: as it should be, or as odd as files have
    it. A sequence holds what is only looked for within it."""
    sequences: dict[str, dict[str, Any]] = {}
    values: dict[str, Any] = {}
    for attribute in ATTRIBUTES:
        value = VALUES[kind][dictionary_VR(attribute.tag)]
        if attribute.kind is ValueKind.NUMBERS and value is not None:
            value = [value] * LENGTHS.get(attribute.name, 2)
        inside = attribute.inside if not attribute.macro else 0
        if inside:
            sequences.setdefault(pydicom.datadict.keyword_for_tag(inside), {})[attribute.name] = (
                value
            )
        else:
            values[attribute.name] = value
    with disable_value_validation():
        nested = {name: [item(**content)] for name, content in sequences.items()}
    return values | nested | {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


LENGTHS = {"ImageOrientationPatient": 6}
VALUES: dict[str, dict[str, Any]] = {
    "sound": {
        **dict.fromkeys(("CS", "SH", "LO", "ST", "LT", "UT"), "Text & <more>"),
        **{
            "PN": "Doe^Jane",
            "AS": "040Y",
            "DA": "20240229",
            "TM": "235960.5",
            "DT": "20240110101010",
        },
        **{"DS": "1.50", "IS": "7", "FD": 2.5, "FL": 2.5, "US": 4, "UL": 4},
    },
    "odd": {
        **dict.fromkeys(("CS", "SH", "LO", "ST", "LT", "UT"), "\x01 \xe9\\second"),
        **{"PN": "=", "AS": "40", "DA": "20230229", "TM": "2460", "DT": "20230229"},
        **{"DS": "-1e-7", "IS": "1.5", "FD": -0.0, "FL": 1e30, "US": 0, "UL": 0},
    },
    "empty": dict.fromkeys(
        ("CS", "SH", "LO", "ST", "LT", "UT", "PN", "AS", "DA", "TM", "DT", "DS", "IS"), ""
    )
    | dict.fromkeys(("FD", "FL", "US", "UL"), None),
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_of_session_is_valid_whatever_its_headers_hold(
    tmp_path: Path, guard: Guard, schema: Path, kind: str
) -> None:
    types = load_types()
    documents = []
    for family in types.families.values():
        folder = tmp_path / family.name
        # A family without classes is found by its modality; PET/MR is made of two others.
        classes = family.classes[:2] or (OTHER,) * (family.name in types.modality_order)
        for number, sop_class in enumerate(classes):
            given = filled(kind) | {"Modality": family.modality, "SeriesNumber": str(number)}
            received(
                folder,
                f"{number}.dcm",
                sop_class=sop_class,
                SeriesInstanceUID=f"1.2.{number}",
                **given,
            )
        if classes:
            documents.append(built(folder, guard))
    roots = {ET.parse(document).getroot().tag.partition("}")[2] for document in documents}
    possible = {family.root.partition(":")[2] for family in types.families.values()}
    assert roots == possible - {"", "PETMRSession"}
    assert invalid(schema, documents) == []
    for document in documents:
        check_catalogs(document.with_suffix(""))


def test_sessions_of_several_kinds_are_valid(tmp_path: Path, guard: Guard, schema: Path) -> None:
    documents = []
    for name, classes in (("PETMR", (PET, MR)), ("MIXED", (MR, SC, SR)), ("PETCT", (PET, CT))):
        for number, sop_class in enumerate(classes):
            given = filled("sound") | {"SeriesNumber": str(number)}
            uid = f"1.2.{number}"
            received(
                tmp_path / name,
                f"{number}.dcm",
                sop_class=sop_class,
                SeriesInstanceUID=uid,
                **given,
            )
        documents.append(built(tmp_path / name, guard))
    assert invalid(schema, documents) == []
    assert (tmp_path / "MIXED/SCANS/2/secondary").is_dir(), "a report in an image session"


def test_a_contrast_agent_has_its_place(tmp_path: Path, guard: Guard, schema: Path) -> None:
    documents = []
    for sop_class, modality in ((MR, "MR"), (CT, "CT"), (PET, "PT")):
        folder = tmp_path / modality
        received(folder, "a.dcm", sop_class=sop_class, ContrastBolusAgent="GADOLINIUM")
        documents.append(built(folder, guard))
    assert invalid(schema, documents) == []
    assert "GADOLINIUM" in documents[0].read_text() and "GADOLINIUM" in documents[1].read_text()


def test_sessions_of_real_scanners_are_valid(tmp_path: Path, guard: Guard, schema: Path) -> None:
    documents = []
    for number, source in enumerate(sorted(SAMPLES.rglob("*.dcm"))):
        place = tmp_path / f"S{number}" / "SCANS" / "NA" / "DICOM"
        place.mkdir(parents=True)
        shutil.copyfile(source, place / "a.dcm")
        try:
            documents.append(built(place.parents[2], guard))
        except BuildError:
            # Some samples are there to be unreadable.
            continue
    for name, source in (
        ("PETCT", pet_ct(tmp_path / "pet_ct", "")),
        ("DWI", siemens_mosaics(tmp_path / "dwi")),
    ):
        place = tmp_path / name / "SCANS" / "NA" / "DICOM"
        place.mkdir(parents=True)
        for number, file in enumerate(path for path in source.rglob("*") if path.is_file()):
            shutil.copyfile(file, place / f"{number}.dcm")
        documents.append(built(tmp_path / name, guard))
    assert len(documents) > 50
    assert invalid(schema, documents) == []
    for document in documents:
        check_catalogs(document.with_suffix(""))


def test_a_session_whose_subject_nobody_knows_is_valid(
    tmp_path: Path, guard: Guard, schema: Path
) -> None:
    received(tmp_path / "S", "a.dcm")
    assemble(tmp_path / "S", project="", label="S", subject="", guard=guard)
    assert invalid(schema, [tmp_path / "S.xml"]) == []


# What XNAT has in a catalog: attributes by element, and children in their order.
CATALOG = "{http://nrg.wustl.edu/catalog}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
ATTRIBUTES_OF = {
    "DCMCatalog": {"UID", "ID", "name", "description"},
    "Catalog": {"ID", "name", "description"},
    "metaField": {"name"},
    "entry": {
        *("URI", "ID", "name", "description", "format", "content", "cachePath", "createdTime"),
        *("createdBy", "createdEventId", "modifiedTime", "modifiedBy", "modifiedEventId"),
        *("digest", "UID", "instanceNumber", XSI_TYPE),
    },
    "dimensions": {"x", "y", "z", "volumes"},
    "voxelRes": {"x", "y", "z", "units"},
}
CHILDREN_OF = {
    "DCMCatalog": (
        "metaFields",
        "tags",
        "sets",
        "entries",
        "dimensions",
        "voxelRes",
        "orientation",
    ),
    "Catalog": ("metaFields", "tags", "sets", "entries"),
    "metaFields": ("metaField",),
    "entries": ("entry",),
    "entry": ("metaFields", "tags"),
}


def check_catalogs(folder: Path) -> None:
    """Hold every catalog of a session against the table."""
    catalogs = list(folder.rglob("*_catalog.xml"))
    assert catalogs
    for catalog in catalogs:
        root = ET.parse(catalog).getroot()
        assert root.tag in (f"{CATALOG}DCMCatalog", f"{CATALOG}Catalog")
        _check_element(root)
        entries = root.findall(f"{CATALOG}entries/{CATALOG}entry")
        assert entries and all(entry.get("URI") for entry in entries)
        for entry in entries:
            assert (entry.get(XSI_TYPE) == "cat:dcmEntry") is bool(entry.get("UID"))
            assert re.fullmatch(r"-?\d+", entry.get("instanceNumber", "0"))
            assert re.fullmatch("[0-9a-f]{32}", entry.get("digest", ""))
        # Extents are written on the primary catalog only.
        if catalog.parent.name != LABELS[0]:
            assert root.find(f"{CATALOG}dimensions") is None
        for element in root.iterfind(f"{CATALOG}dimensions"):
            assert all(value.isdecimal() for value in element.attrib.values())
        for element in root.iterfind(f"{CATALOG}voxelRes"):
            assert all(float(element.get(axis, "1")) for axis in "xyz")


def _check_element(element: ET.Element) -> None:
    name = element.tag.removeprefix(CATALOG)
    assert set(element.attrib) <= ATTRIBUTES_OF.get(name, set()), name
    order = CHILDREN_OF.get(name, ())
    places = [order.index(child.tag.removeprefix(CATALOG)) for child in element]
    assert places == sorted(places), name
    for child in element:
        _check_element(child)
