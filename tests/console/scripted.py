# SPDX-License-Identifier: Apache-2.0
"""The anonymization scripts of an engine in memory on a day like any other."""

from __future__ import annotations

from datetime import timedelta

from engine.model.changes import Change, ChangeKind, FoldedChange, ScriptOutcome, Statement
from engine.model.errors import Problem
from engine.model.samples import Sample, SampleResult
from engine.model.scripts import SITE, MadeWith, ScriptText, WaitingForScript
from engine.model.trials import Standing, Trial, TrialFailure, TrialKind, TrialRow
from tests.memory import NOON, Facts

NEURO3 = """\
version "6.6"
// NEURO3, SOP-17: runs while archiving, after the site script
days := lookup["days", subject]
(0008,0020) := shiftDateByIncrement[(0008,0020), days]
(0008,103E) := lowercase[(0008,103E)]
(0018,1030) ~ "(?i).*\\\\bdr\\\\b.*" ? (0018,1030) := ""
(0008,0060) = "US" ? alterPixels["rectangle", "l=0,t=0,r=640,b=40", "solid", "v=0"]
- (0010,1030)
retainPrivateTags[*/(0029,{SIEMENS CSA HEADER}XX)]
(0010,0030) := "19610101"
"""

_WRITTEN = (
    (SITE, 1, "admin", "", 'version "6.6"\n- (0010,0010)\n', ""),
    (
        SITE,
        2,
        "ada",
        "remove addresses as well",
        'version "6.6"\n- (0010,0010)\n- (0010,1040)\n',
        "",
    ),
    ("project:NEURO3", 1, "hale", "shift dates by subject", 'version "6.6"\n- (0010,1030)\n', ""),
    ("project:NEURO3", 2, "hale", "lower-case series descriptions", NEURO3, "days/S1 = 11\n"),
    ("project:CARDIO", 1, "hale", "as it was agreed", "- (0008,0081)\n", ""),
)


def write_scripts(facts: Facts) -> None:
    """Let the site and two projects have scripts, one of them disabled, and texts be tried."""
    for id in facts.sessions:
        facts.trials[id] = trial()
    changed, failed = ScriptOutcome.CHANGED, ScriptOutcome.ERROR
    problem = Problem(message="SeriesDate is empty, not a date", line=4, column=3)
    for name, outcome, fault in (("mr-siemens", changed, None), ("pt-ct", failed, problem)):
        kept = Sample(
            scope="project:NEURO3",
            name=name,
            session="XNAT_E00001",
            file="SCANS/1/DICOM/1.dcm",
            outcome=changed,
            at=NOON,
            author="hale",
        )
        facts.samples.append(
            SampleResult(
                sample=kept,
                tried=outcome,
                active=changed,
                same_changes=fault is None,
                problem=fault,
            )
        )
    made = (MadeWith(version=2, sessions=4), MadeWith(version=1, sessions=7))
    facts.script_waiting[SITE] = WaitingForScript(scope=SITE, active=2, sessions=11, made=made)
    for number, (scope, version, author, reason, text, lookups) in enumerate(_WRITTEN):
        earlier = facts.scripts.setdefault(scope, [])
        earlier.append(
            ScriptText(
                scope=scope,
                version=version,
                id=f"scr_aaaaaaa{number}",
                enabled=scope != "project:CARDIO",
                active=version == 2 or scope == "project:CARDIO",
                language=6 if "version" in text else 4,
                at=NOON - timedelta(days=90 - 20 * number),
                author=author,
                reason=reason,
                text=text,
                lookups=lookups,
            )
        )


def trial(scope: str = "project:NEURO3") -> Trial:
    """Return a dry run with something of each kind."""
    draft = Statement(script="project NEURO3", line=4)
    active = Statement(script="project NEURO3", version=2, line=5)

    def change(
        tag: str, name: str, kind: ChangeKind, after: str = "", by: Statement = draft
    ) -> Change:
        return Change(
            path=f"({tag})",
            name=name,
            kind=kind,
            vr="DA",
            before="20260911",
            after=after,
            statement=by,
        )

    def row(standing: Standing, one: Change, was: Change | None = None) -> TrialRow:
        return TrialRow(standing=standing, row=FoldedChange(change=one, files=48), was=was)

    changed, removed = ChangeKind.CHANGED, ChangeKind.REMOVED
    return Trial(
        scope=scope,
        version=2,
        files=1_204,
        read=48,
        kinds=(TrialKind(modality="MR", tried={"changed": 47, "error": 1}),),
        rows=(
            row(Standing.SAME, change("0008,0020", "StudyDate", changed, "20260828")),
            row(
                Standing.OTHER,
                change("0008,0021", "SeriesDate", changed, "20260828"),
                change("0008,0021", "SeriesDate", removed, by=active),
            ),
            row(Standing.NEW, change("0010,1010", "PatientAge", removed)),
            row(Standing.GONE, change("0018,1030", "ProtocolName", removed, by=active)),
        ),
        failures=(
            TrialFailure(
                problem=Problem(message="SeriesDate is empty, not a date", line=6, column=3),
                files=1,
                named=("SCANS/3/DICOM/1.dcm",),
            ),
        ),
    )
