# SPDX-License-Identifier: Apache-2.0
"""What of whom is masked, and how it looks: every noun that the console shows of a session."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.views import glyphs
from console.views.arrivals import Arrival, Stage
from console.views.masking import LASTING, Masks
from engine.model.archive import ScanSummary
from engine.model.contents import (
    FileEntry,
    FoldedHeader,
    FoldedValue,
    HeaderRow,
    RowKind,
    SeriesArrival,
    SessionContents,
    Timeline,
    TrashedSession,
)
from engine.model.prearchive import LogEntry, PrearchiveQuery
from engine.model.routing import Concept, Route, TraceStep, Verdict
from tests.memory import NOON, session, transfer

NAME = "Doe^Jane"
HERS = session(1, project=None, label="DOE_JANE", subject="P_4711", folder="DOE_JANE")
ASSIGNED = replace(HERS, project="NEURO3")
SAID = "the MR of doe jane (P-4711), Jane"


def row(text: str, vr: str = "LO", **changes: object) -> HeaderRow:
    made = HeaderRow(
        path="(0008,1030)",
        tag="(0008,1030)",
        kind=RowKind.ELEMENT,
        depth=0,
        vr=vr,
        values=(FoldedValue(text=text, files=1),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def step(concept: Concept, saw: str, found: str | None) -> TraceStep:
    return TraceStep(
        concept=concept,
        extractor="site rule 1",
        saw=saw,
        found=found,
        verdict=Verdict.WON,
    )


HEADER = FoldedHeader(
    rows=(
        row(NAME, "PN", identifying=True),
        row(SAID),
        row("MR3T_A", "SH"),
        row("19700101", "DA", identifying=True),
        row("‹1 item›", "SQ", kind=RowKind.SEQUENCE, identifying=True),
    ),
    files=1,
    unread=(f"{SAID}: it has gone",),
)
MOVED = LogEntry(id="1", at=NOON, text="moved by mk: label DOE_JANE -> P_4711; project A -> B")
EARLIER = Route(project=None, subject="P_4711", session="DOE_JANE", auto_archive=None)
ROUTE = Route(
    moves=(MOVED,),
    before=EARLIER,
    project=None,
    subject="P_4711",
    session="DOE_JANE",
    auto_archive=None,
    trace=(
        step(Concept.PROJECT, "MR3T_A", None),
        step(Concept.PROJECT, f"Project:X {NAME}", "X"),
        step(Concept.SUBJECT, "P 4711", "P 4711"),
    ),
)
SERIES = SeriesArrival(scan="1", description=SAID, first=NOON, last=NOON, objects=1, counts=(1,))
SCAN = ScanSummary(id="1", xsi_type="", series_description=SAID, type=NAME)
NOUNS = {
    "session": lambda masks: masks.session(replace(HERS, reason=SAID)),
    "log": lambda masks: masks.log((LogEntry(id="1", at=NOON, text=SAID),), HERS),
    "text": lambda masks: masks.text(SAID, HERS),
    "contents": lambda masks: masks.contents(
        SessionContents(scans=(SCAN,), built=True, warnings=(SAID,)), HERS
    ),
    "timeline": lambda masks: masks.timeline(
        Timeline(first=NOON, last=NOON, contributions=(), series=(SERIES,), moves=(MOVED,)), HERS
    ),
    "route": lambda masks: masks.route(ROUTE, HERS),
    "header": lambda masks: masks.header(HEADER, HERS),
    "arrival": lambda masks: masks.arrival(
        Arrival(
            key="1",
            stage=Stage.LIVE,
            calling="MR3T_A",
            begun=NOON,
            last=NOON,
            session=HERS,
            transfer=transfer(1, series=SAID),
            said=SAID,
        )
    ),
    "trashed": lambda masks: masks.trashed(
        TrashedSession(
            id="1",
            project=None,
            label="DOE_JANE",
            subject="P_4711",
            objects=1,
            bytes=1,
            deleted=NOON,
            until=NOON,
        )
    ),
}


@pytest.mark.parametrize("noun", NOUNS)
def test_nothing_that_says_who_the_patient_is_is_left(noun: str) -> None:
    masked = str(NOUNS[noun](Masks())).lower()
    assert not [part for part in ("doe", "jane", "4711", "1970") if part in masked]
    revealed = str(NOUNS[noun](Masks(revealed=True))).lower()
    assert "4711" in revealed


def test_what_does_not_say_it_stays() -> None:
    header = Masks().header(HEADER, HERS)
    shown = [one.values[0].text for one in header.rows]
    mask = glyphs.MASK
    assert shown == ["‹PN 8›", f"the MR of {mask} ({mask}), {mask}", "MR3T_A", "‹DA 8›", "‹1 item›"]
    assert Masks().route(ROUTE, HERS).trace[0].saw == "‹6 characters›"
    assert Masks().header(FoldedHeader(rows=(row("", "PN", identifying=True),), files=1), HERS)


@pytest.mark.parametrize(
    ("masks", "of_nobody", "of_a_project"),
    [
        (Masks(), True, False),
        (Masks(revealed=True), False, False),
        (Masks(watching=True), True, True),
        (Masks(watching=True, revealed=True), True, True),
        (LASTING, True, False),
    ],
)
def test_whom_labels_are_masked_for(masks: Masks, of_nobody: bool, of_a_project: bool) -> None:
    assert masks.hides(HERS) is of_nobody
    assert masks.hides(ASSIGNED) is of_a_project
    assert (masks.session(ASSIGNED).label == glyphs.MASK) is of_a_project


def test_a_wall_says_nothing_that_was_written_of_scans() -> None:
    contents = SessionContents(scans=(replace(SCAN, series_description="t1"),), built=True)
    (scan,) = Masks(watching=True).contents(contents, ASSIGNED).scans
    assert (scan.series_description, scan.type) == ("", "")


def test_labels_that_were_given_before_are_masked_too() -> None:
    told = "moved by mk: project Unassigned -> X; label ROE_RICK -> DOE_JANE; subject R -> S"
    masked = Masks().text(told, HERS)
    assert masked.startswith("moved by mk: project Unassigned -> X; label ▒")
    assert "ROE" not in masked and "R ->" not in masked


def test_what_is_masked_is_not_asked_for() -> None:
    asked = PrearchiveQuery(text="doe", sort="label")
    assert Masks().query(asked) == replace(asked, masked=True)
    assert Masks(revealed=True).query(asked) == asked
    assert Masks(watching=True).query(asked).masked


def test_the_uid_stands_for_the_name_of_a_file() -> None:
    file = FileEntry(
        path="SCANS/4/DICOM/ROE^RICK-19700101.DCM",
        scan="4",
        resource="DICOM",
        size=1,
        uid="1.2.3",
    )
    assert Masks().file(file, HERS).path == "SCANS/4/DICOM/1.2.3.DCM"
    assert Masks().file(replace(file, uid=""), HERS).path == f"SCANS/4/DICOM/{glyphs.MASK}.DCM"
    notes = replace(file, uid="", path="DOE_JANE/ROE.txt")
    assert Masks().file(notes, HERS).path == f"{glyphs.MASK}/{glyphs.MASK}"
    assert Masks(revealed=True).file(file, HERS) == file
    assert Masks().file(file, ASSIGNED) == file
    assert Masks(watching=True).file(file, ASSIGNED).path == "SCANS/4/DICOM/1.2.3.DCM"


LABELS = st.text(st.sampled_from("Dq7_.^- "), min_size=1, max_size=6)


@given(label=LABELS, before=st.sampled_from(("", " ", "(")), after=st.sampled_from(("", " ", ",")))
def test_a_label_is_masked_however_it_is_written(label: str, before: str, after: str) -> None:
    hers = session(1, project=None, label=label, subject=None, folder=label)
    for written in (label, label.swapcase(), label.replace("_", "^"), label.replace("^", " ")):
        masked = Masks().text(f"{before}{written}{after}", hers)
        assert not [sign for sign in masked if sign.isalnum()]
