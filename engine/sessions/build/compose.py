# SPDX-License-Identifier: Apache-2.0
"""Makes the documents of scans and session from files that are at their final places. Values from
headers are read in the metadata modules; nothing here touches a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.model.imaging import CatalogEntry, ResourceDocument, ScanDocument, SessionDocument
from engine.sessions.build.catalog import catalog_name
from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.geometry import dimensions, orientation, voxel_resolution
from engine.sessions.build.level import FileGroup
from engine.sessions.build.parameters import scan_metadata, session_metadata
from engine.sessions.build.scans import PRIMARY, scan_type
from engine.sessions.build.types import SessionKind, SessionTypes


def compose_scan(
    scan_id: str,
    parts: Mapping[str, Sequence[ObjectFacts]],
    types: SessionTypes,
    mapping: Mapping[str, str],
    warnings: list[str],
) -> ScanDocument:
    """Describe the scan whose files are `parts`, by label of the resource; none may be empty."""
    files = [fact for part in parts.values() for fact in part]
    family = types.lead_family({fact.sop_class for fact in files})
    leading = [fact for fact in files if types.family(fact.sop_class) is family]
    level = FileGroup(f"scan {scan_id}", files, warnings)
    images = FileGroup(f"scan {scan_id}", leading, warnings)
    metadata = scan_metadata(family.scan, level, images, leading)
    found = {name: getattr(metadata, name) for name in metadata.__dataclass_fields__}
    return ScanDocument(
        id=scan_id,
        uid=files[0].series,
        xsi_type=family.scan,
        type=scan_type(metadata.series_description, mapping),
        modality=_modality(files, types),
        frames=sum(fact.frames for fact in files),
        resources=tuple(_resource(scan_id, label, part) for label, part in parts.items() if part),
        **found,
    )


def compose_session(
    files: Sequence[ObjectFacts],
    kind: SessionKind,
    scans: Sequence[ScanDocument],
    types: SessionTypes,
    warnings: list[str],
) -> SessionDocument:
    """Describe the session of all `files`; who it belongs to is added by the caller."""
    of_family: defaultdict[str, list[ObjectFacts]] = defaultdict(list)
    for fact in files:
        of_family[types.family(fact.sop_class).name].append(fact)
    levels = {
        name: FileGroup("session", of_family[name], warnings)
        for name in ("MR", "PET")
        if name in of_family
    }
    metadata = session_metadata(
        kind.element,
        FileGroup("session", files, warnings),
        mr=levels.get("MR"),
        pet=levels.get("PET"),
    )
    found = {name: getattr(metadata, name) for name in metadata.__dataclass_fields__}
    return SessionDocument(
        type=kind.element,
        root=kind.root,
        modality=kind.modality,
        uid=files[0].study,
        label="",
        scans=tuple(scans),
        warnings=tuple(warnings),
        **found,
    )


def _modality(files: Sequence[ObjectFacts], types: SessionTypes) -> str:
    """Return the modality of a scan: as it is written if all agree, else the one that leads."""
    texts = {fact["Modality"] for fact in files} - {""}
    if len(texts) == 1:
        return texts.pop()[:16]
    return types.lead_modality(texts) if texts else ""


def _resource(scan_id: str, label: str, files: Sequence[ObjectFacts]) -> ResourceDocument:
    document = ResourceDocument(
        label=label,
        catalog=catalog_name(scan_id, label),
        format="DICOM",
        content="RAW" if label == PRIMARY else "secondary",
        file_count=len(files),
        file_size=sum(fact.size for fact in files),
        uid=files[0].series,
        entries=tuple(sorted((fact.entry() for fact in files), key=_entry_order)),
    )
    if label != PRIMARY:
        return document
    # The scan has already warned of what differs.
    level = FileGroup(f"scan {scan_id}", files, [])
    return replace(
        document,
        dimensions=dimensions(level, files),
        voxel_res=voxel_resolution(level),
        orientation=orientation(level),
    )


def _entry_order(entry: CatalogEntry) -> tuple[int, int, str]:
    number = entry.instance_number
    if number.isdecimal() and number.isascii() and len(number) < 20:
        return (0, int(number), entry.uri)
    return (1, 0, entry.uri)
