# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.imaging import ResourceDocument, ScanDocument, SessionDocument
from engine.sessions.build.document import read_session, write_session
from engine.sessions.build.markup import MarkupError, clean, local, read_xml
from engine.sessions.build.types import Family, load_types

FILES = ResourceDocument(
    label="DICOM",
    catalog="scan_4_catalog.xml",
    format="DICOM",
    content="RAW",
    file_count=2,
    file_size=300,
)
SCAN = ScanDocument(
    id="4",
    uid="1.2.3.4",
    xsi_type="xnat:mrScanData",
    type="t1_mpr",
    modality="MR",
    frames=176,
    series_description='t1_mpr <&> "sag"',
    series_class="anatomy",
    scanner="MEDPC",
    manufacturer="SIEMENS",
    model="TrioTim",
    software_version="syngo",
    operator="one",
    start_time="09:12:06",
    start_date="2006-12-14",
    requested_procedure="head",
    protocol_name="t1",
    body_part="HEAD",
    note="a\nb",
    field_strength="3.0",
    coil="HEAD",
    parameters={
        "addParam[MultiEcho_TE1]": "3",
        "voxelRes/@units": "mm",
        "voxelRes/@x": "1",
        "tr": "2400",
        "orientation": "Sag",
        "diffusion/bValues": "0 1000",
        "addParam[ContrastBolusAgent]": "Gd",
        "addParam[odd/name]": "x",
    },
    resources=(FILES, replace(FILES, label="secondary", catalog="scan_4_secondary_catalog.xml")),
)
SESSION = SessionDocument(
    type="xnat:mrSessionData",
    root="xnat:MRSession",
    uid="1.2.3",
    label="S1_MR1",
    project="P",
    subject="S1",
    modality="MR",
    date="2006-12-14",
    time="09:12:06",
    acquisition_site="Hospital",
    scanner="MEDPC",
    manufacturer="SIEMENS",
    model="TrioTim",
    operator="one",
    session_type="head^lab",
    study_id="1",
    accession_number="A1",
    patient_id="ID1",
    patient_name="Sample^Pätient",
    patient_birth_date="1960-01-01",
    patient_weight="80.5",
    patient_sex="F",
    patient_age="46.9",
    comments="Project:x",
    prearchive_path="/prearchive/P/1/S1_MR1",
    field_strength="3.0",
    scans=(SCAN, replace(SCAN, id="5", parameters={}, resources=())),
    resources=(replace(FILES, label="NOTES", catalog="notes_catalog.xml"),),
)


def _order(names: str) -> list[str]:
    return names.split()


EXPERIMENT = _order(
    "sharing date time duration delay note investigator validation resources fields "
    "acquisition_site custom_fields subject_ID age regions scanner operator prearchivePath "
    "scans reconstructions assessors dcmAccessionNumber dcmPatientId dcmPatientName "
    "dcmPatientBirthDate dcmPatientWeight coil fieldStrength marker stabilization "
    "studyType tracer start_time"
)
SCAN_ORDER = _order(
    "sharing image_session_ID note quality condition series_description series_class "
    "documentation scanner modality frames operator file validation startTime start_date "
    "requestedProcedureDescription protocolName bodyPartExamined custom_fields contrasts "
    "coil fieldStrength marker stabilization fileNameUUID parameters"
)
MR_PARAMETERS = _order(
    "voxelRes orientation subjectPosition fov matrix partitions tr te deltaTE ti flip "
    "sequence origin imageType scanSequence seqVariant scanOptions acqType "
    "readoutSampleSpacing coil coilElements dtiAcqCount pixelBandwidth echoSpacing "
    "phaseEncodingDirection acqTime diffusion contrastBolus addParam"
)


def names(element: ET.Element) -> list[str]:
    return [local(child.tag) for child in element]


def assert_in_order(found: list[str], order: list[str]) -> None:
    assert set(found) <= set(order)
    assert found == sorted(found, key=order.index)


def test_children_stand_in_the_order_of_the_schema() -> None:
    root = read_xml(write_session(SESSION))
    assert_in_order(names(root), EXPERIMENT)
    scan = next(each for each in root.iter() if local(each.tag) == "scan")
    assert_in_order(names(scan), SCAN_ORDER)
    parameters = next(each for each in scan if local(each.tag) == "parameters")
    assert_in_order(names(parameters), MR_PARAMETERS)


def test_a_document_survives_writing_and_reading() -> None:
    assert read_session(write_session(SESSION)) == SESSION


def test_pet_sessions_tell_their_tracer() -> None:
    extra = {
        "tracer/@name": "FDG",
        "tracer/@startTime": "2006-12-14T08:15:00",
        "tracer/dose/@units": "Bq",
        "tracer/dose": "370000000",
        "tracer/isotope/@half-life": "6588",
        "tracer/isotope": "F18",
    }
    frames = {
        "frames/@numFrames": "2",
        "frames/frame[1]/@starttime": "0",
        "frames/frame[2]/@starttime": "60",
        "dimensions/@x": "4",
    }
    scan = replace(SCAN, xsi_type="xnat:petScanData", parameters=frames)
    session = replace(
        SESSION,
        type="xnat:petSessionData",
        root="xnat:PETSession",
        field_strength="",
        extra=extra,
        scans=(scan,),
    )
    written = write_session(session)
    assert_in_order(names(read_xml(written)), EXPERIMENT)
    assert read_session(written) == session


def test_several_focal_spots_are_several_elements() -> None:
    parameters = {"focalSpots/focalSpot": "0.7\\1.2", "rescale/slope": "1", "kvp": "120"}
    scan = replace(SCAN, xsi_type="xnat:ctScanData", parameters=parameters)
    written = write_session(replace(SESSION, scans=(scan,)))
    assert written.count(b"<xnat:focalSpot>") == 2
    assert read_session(written).scans[0].parameters == parameters


def test_scans_of_other_types_keep_their_parameters_as_additions() -> None:
    scan = replace(SCAN, xsi_type="xnat:crScanData", parameters={"kvp": "70"})
    back = read_session(write_session(replace(SESSION, scans=(scan,))))
    assert back.scans[0].parameters == {"addParam[kvp]": "70"}


def test_types_and_namespaces_are_spelled_as_xnat_spells_them() -> None:
    written = write_session(SESSION, base="/archive/P/arc001/S1_MR1/").decode()
    assert '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"' in written
    assert 'xsi:type="xnat:mrScanData"' in written
    assert 'URI="/archive/P/arc001/S1_MR1/SCANS/4/DICOM/scan_4_catalog.xml"' in written
    assert 'URI="/archive/P/arc001/S1_MR1/RESOURCES/NOTES/notes_catalog.xml"' in written
    assert ' ID="" ' in written


@pytest.mark.parametrize(
    "family", [each for each in load_types().families.values() if each.session]
)
def test_the_root_tells_the_type(family: Family) -> None:
    session = replace(SESSION, type=family.session, root=family.root)
    assert read_session(write_session(session)).type == session.type


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        '<MRSession ID=""/>',
        '<x:Project xmlns:x="http://nrg.wustl.edu/xnat" ID=""/>',
        '<!DOCTYPE a><xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"/>',
    ],
)
def test_other_documents_are_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        read_session(text.encode())


def test_foreign_documents_may_lack_everything() -> None:
    text = (
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:scans><xnat:scan>'
        "<xnat:frames>many</xnat:frames></xnat:scan></xnat:scans></xnat:MRSession>"
    )
    session = read_session(text.encode())
    assert session.scans[0].frames == 0
    assert session.uid == ""


_texts = st.text(alphabet=st.characters(codec=None), max_size=60).map(
    lambda text: clean(text).strip()
)


@settings(max_examples=60)
@given(_texts, _texts, st.dictionaries(_texts.filter(bool), _texts.filter(bool), max_size=3))
def test_any_cleaned_text_survives(name: str, description: str, added: dict[str, str]) -> None:
    parameters = {f"addParam[{key}]": value for key, value in added.items()}
    scan = replace(SCAN, series_description=description, note=name, parameters=parameters)
    session = replace(SESSION, patient_name=name, session_type=description, scans=(scan,))
    assert read_session(write_session(session)) == session


def test_hostile_text_is_made_fit_when_written() -> None:
    session = replace(SESSION, patient_name="a\x00\x1b]0;x\x07b", label="]]>&<\"'")
    back = read_session(write_session(session))
    assert back.patient_name == "a\ufffd\ufffd]0;x\ufffdb"
    assert back.label == "]]>&<\"'"


def test_a_path_longer_than_the_data_model_holds_is_not_written() -> None:
    session = replace(SESSION, prearchive_path="/" + "x" * 300)
    assert read_session(write_session(session)).prearchive_path == ""
