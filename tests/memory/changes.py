# SPDX-License-Identifier: Apache-2.0
"""What scripts have changed in the sessions of an engine in memory, and what they will change."""

from __future__ import annotations

from dataclasses import replace

from engine.model.changes import (
    NOBODY,
    Change,
    ChangeKind,
    FoldedChange,
    SessionChanges,
    Statement,
)

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


def told(rows: tuple[FoldedChange, ...], files: int) -> SessionChanges:
    """Return what is told of so many files."""
    alike = min((one.files for one in rows if one.files * 2 > files), default=files)
    changed = [one for one in rows if one.change.kind is not ChangeKind.SAME]
    return SessionChanges(
        rows=tuple(sorted(rows, key=lambda one: one.change.path)),
        read=files,
        files=files,
        alike=alike,
        odd=("SCANS/4/DICOM/1.2.3.7.dcm",) if alike < files else (),
        scripts=tuple({f"{one.change.statement.script} v7" for one in changed}),
    )


def stays(path: str, name: str, vr: str, value: str, files: int = 17) -> FoldedChange:
    """Make an element that stays in so many files."""
    made = change(path, name, vr, value, value, kind=ChangeKind.SAME, files=files)
    return replace(made, change=replace(made.change, statement=NOBODY))


def same(files: int = 17) -> tuple[FoldedChange, ...]:
    """Return elements that no script touches."""
    return (
        stays("(0008,0060)", "Modality", "CS", "MR", files),
        replace(
            stays("(0020,0013)", "InstanceNumber", "IS", f"‹{files:,} values›", files),
            befores=files,
            afters=files,
        ),
        stays("(0028,0010)", "Rows", "US", "512", files),
    )


def done(files: int = 17) -> SessionChanges:
    """Return what a site script has done to a session of so many files."""
    gone = ChangeKind.REMOVED
    rows = (
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
    return told((*rows, *same(files)), files)


def to_come(files: int = 17) -> SessionChanges:
    """Return what a project's script will do to it: to one file something else."""
    rows = (
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
        replace(
            stays("(0008,103E)", "SeriesDescription", "LO", "t2 tse Dr Moll", 1),
            odd=("SCANS/4/DICOM/1.2.3.7.dcm",),
        ),
        change(
            *("(7FE0,0010)", "PixelData", "", "", "rectangle 0,0 640x40"),
            kind=ChangeKind.PIXELS,
            script=_PROJECT,
            line=14,
            files=1,
        ),
    )
    return told((*rows, *same(files)), files)
