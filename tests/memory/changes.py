# SPDX-License-Identifier: Apache-2.0
"""What scripts have changed in the sessions of an engine in memory, and what they will change."""

from __future__ import annotations

from engine.model.changes import Change, ChangeKind, FoldedChange, Statement

_SITE, _PROJECT = "site", "project NEURO3"


def change(
    path: str,
    name: str,
    vr: str,
    before: str,
    after: str = "",
    *,
    kind: ChangeKind = ChangeKind.CHANGED,
    script: str = _SITE,
    line: int = 4,
    files: int = 17,
) -> FoldedChange:
    """Make one change, the same in so many files."""
    return FoldedChange(
        change=Change(
            path=path,
            name=name,
            kind=kind,
            vr=vr,
            before=before,
            after=after,
            statement=Statement(script=script, version=7, line=line),
        ),
        files=files,
    )


def done(files: int = 17) -> tuple[FoldedChange, ...]:
    """Return what a site script has done to a session of so many files."""
    gone = ChangeKind.REMOVED
    return (
        change("(0008,0050)", "AccessionNumber", "SH", "A2204417", kind=gone, line=7, files=files),
        change("(0008,0080)", "InstitutionName", "LO", "North Hospital", "North", files=files),
        change(
            *("(0008,1140)[0].(0008,1155)", "ReferencedSOPInstanceUID", "UI"),
            *("1.2.840.1", "2.25.1"),
            line=9,
            files=1,
        ),
        change("(0010,0010)", "PatientName", "PN", "DOE^JANE^M", "SUB-0001", files=files),
        change("(0010,1040)", "PatientAddress", "LO", "12 Mill Lane", kind=gone, files=files),
        change(
            *("(0012,0062)", "PatientIdentityRemoved", "CS", "", "YES"),
            kind=ChangeKind.ADDED,
            line=0,
            files=files,
        ),
    )


def to_come(files: int = 17) -> tuple[FoldedChange, ...]:
    """Return what a project's script will do to it."""
    return (
        change(
            *("(0008,0020)", "StudyDate", "DA", "20260911", "20260828"),
            script=_PROJECT,
            line=5,
            files=files,
        ),
        change(
            *("(0008,103E)", "SeriesDescription", "LO", "t1 mprage"),
            kind=ChangeKind.EMPTIED,
            script=_PROJECT,
            line=13,
            files=files - 1,
        ),
        change(
            *("(7FE0,0010)", "PixelData", "", "", "rectangle 0,0 640x40"),
            kind=ChangeKind.PIXELS,
            script=_PROJECT,
            line=14,
            files=1,
        ),
    )
