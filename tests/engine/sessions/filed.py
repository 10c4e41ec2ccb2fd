# SPDX-License-Identifier: Apache-2.0
"""A filed session as archiving leaves it: files, their catalogs, the document beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.model.imaging import CatalogEntry, ResourceDocument, ScanDocument, SessionDocument
from engine.sessions.build.catalog import catalog_name, write_catalog
from engine.sessions.build.document import write_session

FILES = {
    "1/DICOM": {"a.dcm": b"one", "b.dcm": b"two", "c.dcm": b"three"},
    "2/DICOM": {"d.dcm": b"four"},
    "2/secondary": {"e.dcm": b"five"},
}


def file_away(
    folder: Path, files: Mapping[str, Mapping[str, bytes]] = FILES, *, digests: bool = True
) -> str:
    """Write a session with files by `scan/resource`; return its document."""
    scans: dict[str, ScanDocument] = {}
    for place, contents in files.items():
        scan, _, label = place.partition("/")
        resource = ResourceDocument(
            label=label,
            catalog=catalog_name(scan, label),
            format="DICOM",
            content="RAW",
            file_count=len(contents),
            file_size=sum(map(len, contents.values())),
            uid=f"1.2.{scan}",
            entries=tuple(
                CatalogEntry(
                    uri=name,
                    uid=f"1.2.{scan}.{number}",
                    instance_number=str(number),
                    digest=hashlib.md5(data, usedforsecurity=False).hexdigest() if digests else "",
                    size=len(data),
                )
                for number, (name, data) in enumerate(contents.items(), 1)
            ),
        )
        at = folder / "SCANS" / scan / label
        at.mkdir(parents=True)
        for name, data in contents.items():
            (at / name).write_bytes(data)
        (at / resource.catalog).write_bytes(write_catalog(resource))
        before = scans.get(scan) or ScanDocument(id=scan, uid="1.2", xsi_type="xnat:mrScanData")
        kept = replace(resource, entries=())
        scans[scan] = replace(before, resources=(*before.resources, kept))
    session = SessionDocument(
        type="xnat:mrSessionData",
        root="xnat:MRSession",
        uid="1.2",
        label=folder.name,
        scans=tuple(scans.values()),
    )
    document = write_session(session)
    (folder / f"{folder.name}.xml").write_bytes(document)
    return document.decode()
