# SPDX-License-Identifier: Apache-2.0
"""The session document `{session}.xml`: written in the order of XNAT's schema, and read back
(intake contract 13.2). The files of a resource are listed in its catalog, not here."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from engine.model.imaging import ResourceDocument, ScanDocument, SessionDocument
from engine.sessions.build.markup import (
    XNAT,
    XSI,
    MarkupError,
    clean,
    local,
    qname,
    read_xml,
    write_xml,
    xnat,
)
from engine.sessions.build.paths import (
    PARAMETER_ORDER,
    SESSION_ADDITIONS,
    read_paths,
    write_paths,
)

_TYPE = f"{{{XSI}}}type"
_COMMENTS = "studyComments"
_SEX = "dcmPatientSex"
_LONGEST_PATH = 255
"""The data model holds no longer prearchivePath."""


def write_session(session: SessionDocument, *, base: str = "") -> bytes:
    """Write the document; `base` is put before the URI of every catalog."""
    root = ET.Element(qname(session.root).text)
    root.set("ID", clean(session.id))
    for name, value in (
        ("project", session.project),
        ("label", session.label),
        ("session_type", session.session_type),
        ("modality", session.modality),
        ("UID", session.uid),
        ("study_id", session.study_id),
    ):
        if value:
            root.set(name, clean(value))
    _add(root, "date", session.date)
    _add(root, "time", session.time)
    if session.resources:
        resources = ET.SubElement(root, xnat("resources"))
        for resource in session.resources:
            folder = f"{base}RESOURCES/{resource.label}"
            _resource(resources, "resource", resource, folder)
    _fields(root, {_COMMENTS: session.comments, _SEX: session.patient_sex})
    _add(root, "acquisition_site", session.acquisition_site)
    # The schema demands one; while nobody knows it, it is empty.
    ET.SubElement(root, xnat("subject_ID")).text = clean(session.subject) or None
    _add(root, "age", session.patient_age)
    _scanner(root, session.scanner, session.manufacturer, session.model)
    _add(root, "operator", session.operator)
    if len(session.prearchive_path) <= _LONGEST_PATH:
        _add(root, "prearchivePath", session.prearchive_path)
    scans = ET.SubElement(root, xnat("scans"))
    for scan in session.scans:
        _scan(scans, scan, base)
    _add(root, "dcmAccessionNumber", session.accession_number)
    _add(root, "dcmPatientId", session.patient_id)
    _add(root, "dcmPatientName", session.patient_name)
    _add(root, "dcmPatientBirthDate", session.patient_birth_date)
    _add(root, "dcmPatientWeight", session.patient_weight)
    additions = {**session.extra, "fieldStrength": session.field_strength}
    write_paths(root, {path: text for path, text in additions.items() if text}, SESSION_ADDITIONS)
    return write_xml(root)


def read_session(data: bytes) -> SessionDocument:
    """Read a document back; MarkupError when it is not a session. Catalog entries are not in it."""
    root = read_xml(data)
    name = local(root.tag)
    if root.tag != xnat(name) or not name.endswith("Session"):
        raise MarkupError("the document is not a session")
    fields = {
        field.get("name", ""): field.text or "" for field in root.iterfind(_path("fields/field"))
    }
    scanner = root.find(xnat("scanner"))
    extra = _additions(root)
    return SessionDocument(
        type=_type_of(name),
        root=f"xnat:{name}",
        uid=root.get("UID", ""),
        label=root.get("label", ""),
        id=root.get("ID", ""),
        project=root.get("project", ""),
        subject=_text(root, "subject_ID"),
        modality=root.get("modality", ""),
        date=_text(root, "date"),
        time=_text(root, "time"),
        acquisition_site=_text(root, "acquisition_site"),
        scanner=_text(root, "scanner"),
        manufacturer=_attribute(scanner, "manufacturer"),
        model=_attribute(scanner, "model"),
        operator=_text(root, "operator"),
        session_type=root.get("session_type", ""),
        study_id=root.get("study_id", ""),
        accession_number=_text(root, "dcmAccessionNumber"),
        patient_id=_text(root, "dcmPatientId"),
        patient_name=_text(root, "dcmPatientName"),
        patient_birth_date=_text(root, "dcmPatientBirthDate"),
        patient_weight=_text(root, "dcmPatientWeight"),
        patient_sex=fields.get(_SEX, ""),
        patient_age=_text(root, "age"),
        comments=fields.get(_COMMENTS, ""),
        prearchive_path=_text(root, "prearchivePath"),
        field_strength=extra.pop("fieldStrength", ""),
        extra=extra,
        scans=tuple(_read_scan(scan) for scan in root.iterfind(_path("scans/scan"))),
        resources=tuple(
            _read_resource(each) for each in root.iterfind(_path("resources/resource"))
        ),
    )


def _scan(parent: ET.Element, scan: ScanDocument, base: str) -> None:
    element = ET.SubElement(parent, xnat("scan"))
    element.set("ID", clean(scan.id))
    for name, value in (("type", scan.type), ("UID", scan.uid)):
        if value:
            element.set(name, clean(value))
    _set_type(element, scan.xsi_type)
    _add(element, "note", scan.note)
    _add(element, "quality", scan.quality)
    _add(element, "series_description", scan.series_description)
    _add(element, "series_class", scan.series_class)
    _scanner(element, scan.scanner, scan.manufacturer, scan.model, scan.software_version)
    _add(element, "modality", scan.modality)
    _add(element, "frames", str(scan.frames) if scan.frames else "")
    _add(element, "operator", scan.operator)
    for resource in scan.resources:
        folder = f"{base}SCANS/{scan.id}/{resource.label}"
        _resource(element, "file", resource, folder)
    _add(element, "startTime", scan.start_time)
    _add(element, "start_date", scan.start_date)
    _add(element, "requestedProcedureDescription", scan.requested_procedure)
    _add(element, "protocolName", scan.protocol_name)
    _add(element, "bodyPartExamined", scan.body_part)
    _add(element, "coil", scan.coil)
    _add(element, "fieldStrength", scan.field_strength)
    if scan.parameters:
        parameters = ET.SubElement(element, xnat("parameters"))
        order = PARAMETER_ORDER.get(scan.xsi_type, ("addParam",))
        write_paths(parameters, scan.parameters, order)


def _read_scan(element: ET.Element) -> ScanDocument:
    scanner = element.find(xnat("scanner"))
    parameters = element.find(xnat("parameters"))
    frames = _text(element, "frames")
    return ScanDocument(
        id=element.get("ID", ""),
        uid=element.get("UID", ""),
        xsi_type=element.get(_TYPE, ""),
        type=element.get("type", ""),
        modality=_text(element, "modality"),
        quality=_text(element, "quality"),
        frames=_count(frames),
        series_description=_text(element, "series_description"),
        series_class=_text(element, "series_class"),
        scanner=_text(element, "scanner"),
        manufacturer=_attribute(scanner, "manufacturer"),
        model=_attribute(scanner, "model"),
        software_version=_attribute(scanner, "softwareVersion"),
        operator=_text(element, "operator"),
        start_time=_text(element, "startTime"),
        start_date=_text(element, "start_date"),
        requested_procedure=_text(element, "requestedProcedureDescription"),
        protocol_name=_text(element, "protocolName"),
        body_part=_text(element, "bodyPartExamined"),
        note=_text(element, "note"),
        field_strength=_text(element, "fieldStrength"),
        coil=_text(element, "coil"),
        parameters=read_paths(parameters) if parameters is not None else {},
        resources=tuple(_read_resource(file) for file in element.iterfind(xnat("file"))),
    )


def _resource(parent: ET.Element, name: str, resource: ResourceDocument, folder: str) -> None:
    element = ET.SubElement(parent, xnat(name))
    element.set("label", clean(resource.label))
    element.set("URI", clean(f"{folder}/{resource.catalog}"))
    for attribute, value in (("format", resource.format), ("content", resource.content)):
        if value:
            element.set(attribute, clean(value))
    element.set("file_count", str(resource.file_count))
    element.set("file_size", str(resource.file_size))
    _set_type(element, "xnat:resourceCatalog")


def _read_resource(element: ET.Element) -> ResourceDocument:
    return ResourceDocument(
        label=element.get("label", ""),
        catalog=element.get("URI", "").rpartition("/")[2],
        format=element.get("format", ""),
        content=element.get("content", ""),
        file_count=_count(element.get("file_count", "")),
        file_size=_count(element.get("file_size", "")),
    )


def _scanner(
    parent: ET.Element, name: str, manufacturer: str, model: str, software: str = ""
) -> None:
    if not (name or manufacturer or model or software):
        return
    element = ET.SubElement(parent, xnat("scanner"))
    for attribute, value in (
        ("manufacturer", manufacturer),
        ("model", model),
        ("softwareVersion", software),
    ):
        if value:
            element.set(attribute, clean(value))
    element.text = clean(name) or None


def _fields(parent: ET.Element, values: Mapping[str, str]) -> None:
    given = {name: value for name, value in values.items() if value}
    if given:
        fields = ET.SubElement(parent, xnat("fields"))
        for name, value in given.items():
            ET.SubElement(fields, xnat("field"), name=name).text = clean(value)


def _additions(root: ET.Element) -> dict[str, str]:
    """Read what one kind of session adds: the elements that no other kind knows."""
    branches = {path.partition("/")[0] for path in SESSION_ADDITIONS}
    only = ET.Element(root.tag)
    only.extend(child for child in root if local(child.tag) in branches)
    return read_paths(only)


def _set_type(element: ET.Element, prefixed: str) -> None:
    # The root is an xnat element, so that the prefix is always declared.
    qname(prefixed)
    element.set(_TYPE, prefixed)


def _add(parent: ET.Element, name: str, value: str) -> None:
    if value:
        ET.SubElement(parent, xnat(name)).text = clean(value)


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(xnat(name)) or ""


def _attribute(element: ET.Element | None, name: str) -> str:
    return element.get(name, "") if element is not None else ""


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else 0


def _path(path: str) -> str:
    return "/".join(f"{{{XNAT}}}{name}" for name in path.split("/"))


def _type_of(root: str) -> str:
    """Turn `MRSession` into `xnat:mrSessionData`: types are in lower camel case."""
    stem = root.removesuffix("Session")
    lowered = stem.lower() if stem.isupper() else stem[:1].lower() + stem[1:]
    return f"xnat:{lowered}SessionData"
