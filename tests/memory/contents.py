# SPDX-License-Identifier: Apache-2.0
"""What is in the sessions of an engine in memory: generated, unless the facts say something
else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from engine.model.archive import ScanSummary
from engine.model.contents import (
    ARRIVAL_STEPS,
    Contribution,
    FileEntry,
    FoldedHeader,
    FoldedValue,
    HeaderRow,
    RowKind,
    SeriesArrival,
    SessionContents,
    Timeline,
)
from engine.model.errors import NotFound
from engine.model.prearchive import PrearchiveSession
from engine.model.routing import Concept, Route, TraceStep, Verdict
from tests.memory.facts import NOON, Facts

_SERIES = (("4", "t1_mprage_sag"), ("5", "ep2d_bold_rest"), ("6", "ep2d_diff_64dir"))
_FEW = 200


def contents_of(facts: Facts, row: PrearchiveSession) -> SessionContents:
    """Return the scans of a session."""
    if row.id in facts.contents:
        return facts.contents[row.id]
    scans = _SERIES[: max(1, row.scans)]
    shares = [row.objects // len(scans)] * len(scans)
    shares[0] += row.objects - sum(shares)
    return SessionContents(
        scans=tuple(
            ScanSummary(
                id=id,
                xsi_type="xnat:mrScanData",
                uid=f"{row.tag}.{id}",
                type=description,
                series_description=description,
                modality=row.modality,
                frames=share,
                files=share,
                bytes=row.bytes // len(scans),
            )
            for (id, description), share in zip(scans, shares, strict=True)
        ),
        built=True,
    )


def files_of(facts: Facts, id: str, scans: tuple[ScanSummary, ...]) -> tuple[FileEntry, ...]:
    """Return the files of a session."""
    if id in facts.files:
        return facts.files[id]
    return tuple(
        FileEntry(
            path=path,
            scan=scan.id,
            resource="DICOM",
            size=len(_generated(path)),
            uid=f"1.2.3.{scan.id}.{number}",
            instance_number=str(number),
            digest=hashlib.md5(_generated(path), usedforsecurity=False).hexdigest(),
        )
        for scan in scans
        for number in range(1, min(scan.files, _FEW) + 1)
        for path in [f"SCANS/{scan.id}/DICOM/1.2.3.{scan.id}.{number}.dcm"]
    )


def bytes_of(facts: Facts, id: str, path: str) -> bytes:
    """Return what is in a file."""
    return facts.data.get((id, path), _generated(path))


def header_of(
    facts: Facts, id: str, files: tuple[FileEntry, ...], scan: str, file: str
) -> FoldedHeader:
    """Fold the headers of a file, of a scan, or of all."""
    chosen = [one for one in files if scan in ("", one.scan) and file in ("", one.path)]
    if not chosen:
        raise NotFound("there is no such scan or file in the session")
    if (id, scan) in facts.headers:
        return facts.headers[id, scan]
    return header(len(chosen))


def route_of(facts: Facts, id: str) -> Route:
    """Return where a session's first object would land."""
    return facts.routes.get(id, SAMPLE_ROUTE)


def timeline_of(facts: Facts, row: PrearchiveSession) -> Timeline:
    """Tell how a session came together."""
    if row.id in facts.timelines:
        return facts.timelines[row.id]
    scans = contents_of(facts, row).scans
    series = []
    for number, scan in enumerate(scans):
        counts = [0] * ARRIVAL_STEPS
        first, last = _span(number, len(scans))
        for file in range(scan.files):
            counts[first + file * (last - first) // scan.files] += 1
        series.append(
            SeriesArrival(
                scan=scan.id,
                description=scan.series_description,
                first=NOON + timedelta(seconds=first),
                last=NOON + timedelta(seconds=last),
                objects=scan.files,
                counts=tuple(counts),
                missing=2 if number else 0,
            )
        )
    contribution = Contribution(
        transfer="tr_1",
        calling=row.calling,
        peer="10.3.1.44",
        receiver=row.receiver,
        opened=NOON,
        closed=NOON + timedelta(seconds=ARRIVAL_STEPS),
        ended="released",
        objects=row.objects,
        duplicates=1,
    )
    return Timeline(
        first=NOON,
        last=NOON + timedelta(seconds=ARRIVAL_STEPS),
        contributions=(contribution,),
        series=tuple(series),
    )


SAMPLE_ROUTE = Route(
    project="NEURO3",
    subject="SUB-1",
    session="MR_1",
    auto_archive=None,
    trace=(
        TraceStep(
            concept=Concept.PROJECT,
            extractor="study description",
            element="(0008,1030)",
            saw="NEURO3",
            found="NEURO3",
            verdict=Verdict.WON,
        ),
    ),
)


def header(files: int = 3) -> FoldedHeader:
    """Make a folded header: a sequence of two items, a private block, values that vary."""
    private = "SIEMENS CSA HEADER"
    rows = [
        _row("(0002,0010)", "UI", "TransferSyntaxUID", "1.2.840.10008.1.2.1", files),
        _row("(0008,0005)", "CS", "SpecificCharacterSet", "ISO_IR 100", files),
        _row("(0008,0008)", "CS", "ImageType", "ORIGINAL\\PRIMARY\\M\\ND", files),
        _row("(0008,0016)", "UI", "SOPClassUID", "1.2.840.10008.5.1.4.1.1.4", files),
        _varying("(0008,0018)", "UI", "SOPInstanceUID", "1.2.3.4.{}", files),
        _row("(0008,0020)", "DA", "StudyDate", "20260911", files),
        _row("(0008,0060)", "CS", "Modality", "MR", files),
        _row("(0008,0070)", "LO", "Manufacturer", "SIEMENS", files),
        _row("(0008,0080)", "LO", "InstitutionName", "", files),
        _row("(0008,1030)", "LO", "StudyDescription", "NEURO3", files),
        _row("(0008,103E)", "LO", "SeriesDescription", "t1_mprage_sag", files),
        _of_kind("(0008,1140)", RowKind.SEQUENCE, 0, "ReferencedImageSequence", files),
    ]
    for item in (1, 2):
        path = f"(0008,1140)[{item}]"
        rows += [
            _of_kind(path, RowKind.ITEM, 1, "", files),
            _row(
                f"{path}.(0008,1150)", "UI", "ReferencedSOPClassUID", "1.2.840.10008.5.1.4", files
            ),
            _row(f"{path}.(0008,1155)", "UI", "ReferencedSOPInstanceUID", f"1.2.9.{item}", files),
        ]
    rows += [
        _row("(0010,0010)", "PN", "PatientName", "DOE^JANE", files),
        _row("(0010,0020)", "LO", "PatientID", "SUB-1", files),
        _row("(0018,0050)", "DS", "SliceThickness", "1", files),
        _row("(0018,0080)", "DS", "RepetitionTime", "2300", files),
        _row("(0020,000D)", "UI", "StudyInstanceUID", "1.2.3.1", files),
        _row("(0020,0011)", "IS", "SeriesNumber", "4", files),
        _varying("(0020,0013)", "IS", "InstanceNumber", "{}", files),
        _row("(0029,0010)", "LO", "Private Creator", private, files),
        _row("(0029,1008)", "CS", "CSA Image Header Type", "IMAGE NUM 4", files, private),
        _row("(0029,1010)", "OB", "CSA Image Header Info", "‹OB 11532 bytes›", files, private),
    ]
    return FoldedHeader(
        rows=tuple(
            replace(row, identifying=row.tag[1:5] == "0010" or bool(row.creator)) for row in rows
        ),
        files=files,
        total=files,
        transfer_syntaxes=(FoldedValue(text="1.2.840.10008.1.2.1", files=files),),
    )


def _row(path: str, vr: str, name: str, text: str, files: int, creator: str = "") -> HeaderRow:
    return HeaderRow(
        path=path,
        tag=path[-11:],
        kind=RowKind.ELEMENT,
        depth=path.count("[") * 2,
        vr=vr,
        name=name,
        creator=creator,
        values=(FoldedValue(text=text, files=files),),
        distinct=1,
        files=files,
        length=len(text),
    )


def _varying(path: str, vr: str, name: str, pattern: str, files: int) -> HeaderRow:
    shown = tuple(
        FoldedValue(text=pattern.format(number), files=1) for number in range(1, min(files, 8) + 1)
    )
    return HeaderRow(
        path=path,
        tag=path,
        kind=RowKind.ELEMENT,
        depth=0,
        vr=vr,
        name=name,
        values=shown,
        distinct=files,
        files=files,
        length=len(pattern),
    )


def _of_kind(path: str, kind: RowKind, depth: int, name: str, files: int) -> HeaderRow:
    sequence = kind is RowKind.SEQUENCE
    return HeaderRow(
        path=path,
        tag=path if sequence else "",
        kind=kind,
        depth=depth,
        vr="SQ" if sequence else "",
        name=name,
        values=(FoldedValue(text="‹2 items›", files=files),) if sequence else (),
        distinct=1 if sequence else 0,
        files=files,
        length=128,
    )


def _span(number: int, of: int) -> tuple[int, int]:
    width = ARRIVAL_STEPS // of
    return number * width, (number + 1) * width


def _generated(path: str) -> bytes:
    """Make bytes that differ from file to file."""
    return bytes(128) + b"DICM" + path.encode(errors="surrogatepass")
