# SPDX-License-Identifier: Apache-2.0
"""Sessions for tests, filed the way the archive job files them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.archive import filing
from engine.archive.subjects import find_or_create
from engine.database.connection import Database
from engine.model.archive import NewSession, ScanSummary, SessionCard

SITE = "XNAT"

SCANS = (
    ScanSummary(
        id="2",
        xsi_type="xnat:mrScanData",
        uid="1.2.3.2",
        type="t1_mprage",
        series_description="T1 MPRAGE sag",
        modality="MR",
        frames=176,
        files=176,
        bytes=1_000,
    ),
    ScanSummary(id="10", xsi_type="xnat:mrScanData", type="bold", files=24, bytes=500),
)


def new_session(project: str, label: str, subject: str = "", **values: Any) -> NewSession:
    """Return an MR session, with other values where they are given."""
    plain = NewSession(
        project=project,
        subject=subject,
        label=label,
        xsi_type="xnat:mrSessionData",
        folder=f"{project}/arc001/{label}",
        modality="MR",
        uid="1.2.3",
        date="2026-03-01",
        time="10:11:12",
        age="43",
        scanner="MRC35113",
        manufacturer="Siemens",
        model="Prisma",
        description="Head^Brain",
        files=200,
        bytes=3_000_000_000,
    )
    return replace(plain, **values)


async def file_session(
    archive: Database,
    label: str,
    *,
    project: str = "BRAINS",
    subject: str = "subj01",
    origin: str = "",
    scans: Sequence[ScanSummary] = SCANS,
    search_text: str = "",
    xml: str = "",
    **values: Any,
) -> SessionCard:
    """Reserve, find the subject and commit, in one transaction."""
    origin = origin or f"pre_{label[:12]}"
    async with archive.write() as session:
        await filing.reserve(session, origin=origin, project=project, label=label)
        accession = await filing.draw(session, origin, site=SITE)
        found = await find_or_create(session, project, subject, site=SITE, actor="ada")
        return await filing.commit(
            session,
            origin,
            new_session(project, label, found.id, **values),
            scans,
            accession=accession,
            xml=xml or f"<MRSession label='{label}'/>",
            search_text=search_text,
            actor="ada",
        )
