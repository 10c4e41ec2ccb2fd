# SPDX-License-Identifier: Apache-2.0
"""The metadata that all kinds of scans and sessions have (intake contract 5.5). MR, CT and PET add
theirs in their own modules; `document` writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.sessions.build.ct import ct_parameters
from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.level import FileGroup
from engine.sessions.build.mr import field_strength, mr_parameters
from engine.sessions.build.pet import pet_parameters, tracer

_ADDED: Mapping[str, Callable[[FileGroup, Sequence[ObjectFacts]], dict[str, str]]] = {
    "xnat:mrScanData": mr_parameters,
    "xnat:ctScanData": ct_parameters,
    "xnat:petScanData": pet_parameters,
}
_NOTE = 2500
"""Longest note of the data model, in characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanMetadata:
    """What the headers of one scan say, named like the fields of `ScanDocument`."""

    series_description: str
    scanner: str
    manufacturer: str
    model: str
    software_version: str
    operator: str
    start_time: str
    start_date: str
    requested_procedure: str
    protocol_name: str
    body_part: str
    note: str
    field_strength: str = ""
    coil: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionMetadata:
    """What the headers of all files say, named like the fields of `SessionDocument`."""

    date: str
    time: str
    acquisition_site: str
    scanner: str
    manufacturer: str
    model: str
    operator: str
    session_type: str
    study_id: str
    accession_number: str
    patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_weight: str
    patient_sex: str
    patient_age: str
    comments: str
    field_strength: str = ""
    extra: dict[str, str] = field(default_factory=dict)


def scan_metadata(
    element: str, level: FileGroup, images: FileGroup, facts: Sequence[ObjectFacts]
) -> ScanMetadata:
    """Read the metadata of one scan of type `element`.

    `level` is all its files; `images` and `facts` are those of the family that leads it.
    """
    added = _ADDED.get(element)
    is_mr = element == "xnat:mrScanData"
    return ScanMetadata(
        series_description=level.limited("SeriesDescription"),
        scanner=level.limited("StationName"),
        manufacturer=level.limited("Manufacturer"),
        model=level.limited("ManufacturerModelName"),
        software_version=level.limited("SoftwareVersions"),
        operator=level.limited("OperatorsName"),
        start_time=level.time("SeriesTime"),
        start_date=level.date("SeriesDate"),
        requested_procedure=level.limited("RequestedProcedureDescription"),
        protocol_name=level.limited("ProtocolName"),
        body_part=level.limited("BodyPartExamined"),
        note=level.limited("ImageComments", _NOTE),
        field_strength=field_strength(images) if is_mr else "",
        coil=images.limited("ReceiveCoilName") if is_mr else "",
        parameters=added(images, facts) if added else {},
    )


def session_metadata(
    element: str, level: FileGroup, *, mr: FileGroup | None, pet: FileGroup | None
) -> SessionMetadata:
    """Read the metadata of a session; `mr` and `pet` are its MR and PET images, if it has any."""
    with_mr = element in ("xnat:mrSessionData", "xnat:petmrSessionData")
    with_pet = element in ("xnat:petSessionData", "xnat:petmrSessionData")
    return SessionMetadata(
        date=level.date("StudyDate"),
        time=level.time("StudyTime"),
        acquisition_site=level.limited("InstitutionName"),
        scanner=level.limited("StationName"),
        manufacturer=level.limited("Manufacturer"),
        model=level.limited("ManufacturerModelName"),
        operator=level.limited("OperatorsName"),
        session_type=level.limited("StudyDescription"),
        study_id=level.limited("StudyID"),
        accession_number=level.limited("AccessionNumber"),
        patient_id=level.limited("PatientID"),
        patient_name=level.limited("PatientName"),
        patient_birth_date=level.date("PatientBirthDate"),
        patient_weight=level.value("PatientWeight"),
        patient_sex=level.limited("PatientSex"),
        patient_age=level.years("PatientAge")
        or level.years_between("PatientBirthDate", "StudyDate"),
        comments=level.value("StudyComments"),
        field_strength=field_strength(mr) if with_mr and mr else "",
        extra=tracer(pet, level) if with_pet and pet else {},
    )
