# SPDX-License-Identifier: Apache-2.0
"""A trace told in lines."""

from __future__ import annotations

from engine.routing.explanation import explain, visible
from engine.routing.router import RequestParameters, Router, RoutingConfig, RuleTexts
from tests.engine.routing.headers import header

ROUTER = Router(
    RoutingConfig(
        projects={"NEURO3": "NEURO3"},
        site=RuleTexts(
            project="(0008,1010):(MR15_.*)\n(0008,1010):(MR3T_.*):1 t:.+ r:NEURO3",
        ),
    )
)
HEADER = header(
    {
        0x0008_1010: "MR3T_A",
        0x0010_4000: "Subject:SUB-0311\r\nSession:MR.0311\r\nend",
        0x0010_0020: "17\a[2J4",
    }
)


def test_a_route_is_told_with_every_extractor() -> None:
    assert explain(ROUTER.route(HEADER, trace=True)) == [
        "Project       NEURO3",
        "    receiver rules: absent; no lines are in force",
        "    site rule 1 (0008,1010): “MR3T_A”, no match",
        "  ✓ site rule 2 (0008,1010): “MR3T_A” → “NEURO3”",
        "    patient comments, study comments, additional patient history, study description, "
        "accession number: not asked",
        "Subject       SUB-0311",
        "    receiver rules: absent; no lines are in force",
        "    site rules: absent; no lines are in force",
        "  ✓ patient comments (0010,4000): “Subject:SUB-0311\\r\\nSession:MR.0311\\r\\nend” → "
        "“SUB-0311”; matched only after newline normalisation",
        "    study comments, additional patient history, patient name: not asked",
        "Session       17__2J4",
        "    receiver rules: absent; no lines are in force",
        "    site rules: absent; no lines are in force",
        "    patient comments (0010,4000): “Subject:SUB-0311\\r\\nSession:MR.0311\\r\\nend”, no "
        "match; the keyword is there, but its value is not made of letters, digits, “_” and “-” "
        "only",
        "    study comments (0032,4000): absent",
        "    additional patient history (0010,21B0): absent",
        "  ✓ patient id (0010,0020): “17\\x07[2J4”",
        "    default: not asked",
        "Auto-archive  as the project's code says",
        "    receiver rules: absent; no lines are in force",
        "    site rules: absent; no lines are in force",
        "    patient comments (0010,4000): “Subject:SUB-0311\\r\\nSession:MR.0311\\r\\nend”, no "
        "match",
        "    study comments (0032,4000): absent",
        "    additional patient history (0010,21B0): absent",
    ]


def test_it_can_be_told_without_a_word_of_the_header() -> None:
    text = "\n".join(explain(ROUTER.route(HEADER, trace=True), values=False))
    for secret in ("SUB-0311", "MR3T", "MR.0311", "2J"):
        assert secret not in text
    assert "Subject       found" in text
    assert "✓ site rule 2 (0008,1010)" in text


def test_what_was_not_found_is_said() -> None:
    lines = explain(ROUTER.route(header({}), trace=True))
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == [
        "Project       none: Unassigned",
        "Subject       none",
        "Session       dicom_upload",
        "Auto-archive  no, without a project",
    ]
    assert "  ✓ default: → “dicom_upload”" in lines


def test_a_request_is_told_as_such() -> None:
    request = RequestParameters(project="NEURO3", subject="S1", auto_archive=False)
    lines = explain(ROUTER.route(header({}), request=request, trace=True))
    assert "  ✓ request: → “S1”" in lines
    assert "Auto-archive  no" in lines


def test_a_route_without_a_trace_is_told_by_its_heads() -> None:
    assert len(explain(ROUTER.route(HEADER))) == 4


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert visible("a\x1b[0m\n\u202eb 山") == "a\\x1b[0m\\n\\u202eb 山"
