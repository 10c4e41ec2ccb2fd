# SPDX-License-Identifier: Apache-2.0
"""Sessions, scans and resources as the build finds them and as documents and catalogs describe them
(intake contract 13.2, 13.3). Plain values with XNAT's names; XML is read and written in
`engine.sessions.build`, rows in `engine.archive`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogEntry:
    """One file of a resource."""

    uri: str
    """Path below the folder of the catalog."""

    uid: str = ""
    """SOP Instance UID; empty when the file is not DICOM."""

    instance_number: str = ""
    digest: str = ""
    """MD5 in hexadecimal; empty while checksums are off."""

    size: int = 0
    """Bytes."""

    sop_class: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dimensions:
    """Extent of the image data of one resource, in voxels and volumes."""

    x: int
    y: int
    z: int
    volumes: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VoxelResolution:
    """Size of a voxel as decimal text, in `units`."""

    x: str
    y: str
    z: str = ""
    units: str = "mm"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceDocument:
    """A folder of files and the catalog that lists them."""

    label: str
    catalog: str
    """File name of the catalog inside the resource's folder."""

    format: str = ""
    content: str = ""
    file_count: int = 0
    file_size: int = 0
    """Bytes of all files."""

    uid: str = ""
    """Series Instance UID, for the catalog; empty for resources that are not DICOM."""

    entries: tuple[CatalogEntry, ...] = ()
    dimensions: Dimensions | None = None
    voxel_res: VoxelResolution | None = None
    orientation: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanDocument:
    """One series. Dates are `YYYY-MM-DD`, times `HH:MM:SS`, unknown values empty."""

    id: str
    uid: str
    xsi_type: str
    """For example `xnat:mrScanData`."""

    type: str = "unknown"
    modality: str = ""
    quality: str = "usable"
    frames: int = 0
    series_description: str = ""
    series_class: str = ""
    scanner: str = ""
    manufacturer: str = ""
    model: str = ""
    software_version: str = ""
    operator: str = ""
    start_time: str = ""
    start_date: str = ""
    requested_procedure: str = ""
    protocol_name: str = ""
    body_part: str = ""
    note: str = ""
    field_strength: str = ""
    """Tesla; MR scans only."""

    coil: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Path below `parameters` -> value: `tr`, `voxelRes/@x`, `addParam[MultiEcho_TE1]`."""

    resources: tuple[ResourceDocument, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionDocument:
    """One session. Dates are `YYYY-MM-DD`, times `HH:MM:SS`, unknown values empty."""

    type: str
    """For example `xnat:mrSessionData`."""

    root: str
    """Name of the document's root element, for example `xnat:MRSession`."""

    uid: str
    """Study Instance UID."""

    label: str
    id: str = ""
    """Accession ID; empty in the prearchive."""

    project: str = ""
    subject: str = ""
    modality: str = ""
    date: str = ""
    time: str = ""
    acquisition_site: str = ""
    scanner: str = ""
    manufacturer: str = ""
    model: str = ""
    operator: str = ""
    session_type: str = ""
    """Study Description."""

    study_id: str = ""
    accession_number: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    patient_weight: str = ""
    """Kilograms."""

    patient_sex: str = ""
    patient_age: str = ""
    """Years."""

    comments: str = ""
    prearchive_path: str = ""
    field_strength: str = ""
    """Tesla; MR and PET/MR sessions only."""

    extra: Mapping[str, str] = field(default_factory=dict)
    """Path below the session -> value, for what one kind of session adds: `tracer/dose`."""

    scans: tuple[ScanDocument, ...] = ()
    resources: tuple[ResourceDocument, ...] = ()
    """Resources of the session itself."""

    warnings: tuple[str, ...] = ()
    """What the build left out and why; names elements and counts, never values."""
