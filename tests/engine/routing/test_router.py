# SPDX-License-Identifier: Apache-2.0
"""Routing: each extractor winning and losing, receivers, requests, odd headers, and the trace."""

from __future__ import annotations

import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dicom.header import Header
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.routing.router import (
    DEFAULT_SESSION,
    RequestParameters,
    Router,
    RoutingConfig,
    RuleTexts,
    UnknownProject,
    parse_auto_archive,
)
from engine.routing.rules import TIMED_OUT, InvalidRules
from tests.engine.routing.headers import header

PATIENT_COMMENTS = 0x0010_4000
STUDY_COMMENTS = 0x0032_4000
PATIENT_HISTORY = 0x0010_21B0
STUDY_DESCRIPTION = 0x0008_1030
ACCESSION_NUMBER = 0x0008_0050
PATIENT_NAME = 0x0010_0010
PATIENT_ID = 0x0010_0020
STATION = 0x0008_1010
MATERIAL_NOTES = 0x0014_0046

PROJECTS = {"P1": "P1", "P2": "P2", "P3": "P3", "P4": "P4", "P5": "P5", "other name": "P6"}
PLAIN = Router(RoutingConfig(projects=PROJECTS))

Elements = dict[int, str | bytes | int | float]


def route(
    elements: Elements,
    *,
    router: Router = PLAIN,
    receiver: str | None = None,
    request: RequestParameters | None = None,
) -> Route:
    """Route with a trace, having seen that the lean way gives the same."""
    traced = router.route(header(elements), receiver=receiver, request=request, trace=True)
    lean = router.route(header(elements), receiver=receiver, request=request)
    assert lean.trace == ()
    assert (lean.project, lean.subject, lean.session, lean.auto_archive) == (
        traced.project,
        traced.subject,
        traced.session,
        traced.auto_archive,
    )
    return traced


def steps(found: Route, concept: Concept) -> list[TraceStep]:
    return [step for step in found.trace if step.concept is concept]


def winner(found: Route, concept: Concept) -> str:
    (step,) = [step for step in steps(found, concept) if step.verdict is Verdict.WON]
    return step.extractor


def site(**texts: str) -> Router:
    return Router(RoutingConfig(projects=PROJECTS, site=RuleTexts(**texts)))


# The order of 2.2: each source wins once all before it give nothing.
EVERYTHING: Elements = {
    PATIENT_COMMENTS: "Project:P1 Subject:S1 Session:E1 AA:true",
    STUDY_COMMENTS: "Project:P2 Subject:S2 Session:E2 AA:false",
    PATIENT_HISTORY: "Project:P3 Subject:S3 Session:E3 AA:t",
    STUDY_DESCRIPTION: "P4",
    ACCESSION_NUMBER: "P5",
    PATIENT_NAME: "Doe^Jane",
    PATIENT_ID: "ID 17",
}


@pytest.mark.parametrize(
    "cleared, project, subject, session, auto_archive, sources",
    [
        (0, "P1", "S1", "E1", True, ("patient comments",) * 4),
        (1, "P2", "S2", "E2", False, ("study comments",) * 4),
        (2, "P3", "S3", "E3", True, ("additional patient history",) * 4),
        (3, "P4", "Doe_Jane", "ID_17", None, ("study description", "patient name", "patient id")),
        (4, "P5", "Doe_Jane", "ID_17", None, ("accession number", "patient name", "patient id")),
        (5, None, "Doe_Jane", "ID_17", None, (None, "patient name", "patient id")),
        (6, None, None, "ID_17", None, (None, None, "patient id")),
        (7, None, None, DEFAULT_SESSION, None, (None, None, "default")),
    ],
)
@pytest.mark.parametrize("blank", ["removed", "empty", "no assignment"])
def test_each_source_wins_when_those_before_it_give_nothing(
    cleared: int,
    project: str | None,
    subject: str | None,
    session: str,
    auto_archive: bool | None,
    sources: tuple[str | None, ...],
    blank: str,
) -> None:
    elements = dict(EVERYTHING)
    for index, tag in enumerate(EVERYTHING):
        if index >= cleared:
            break
        # Names and IDs are taken whole, so other text in them would win.
        if blank == "removed" or (tag in (PATIENT_NAME, PATIENT_ID) and blank != "empty"):
            del elements[tag]
        else:
            elements[tag] = "" if blank == "empty" else "no assignment here"
    found = route(elements)
    assert (found.project, found.subject, found.session) == (project, subject, session)
    assert found.auto_archive is auto_archive
    for concept, source in zip(Concept, sources, strict=False):
        if source is None:
            assert not [s for s in steps(found, concept) if s.verdict is Verdict.WON]
        else:
            assert winner(found, concept) == source


def test_the_concepts_are_found_independently() -> None:
    found = route({PATIENT_COMMENTS: "Session:E1", STUDY_COMMENTS: "Subject:S2 Project:P2"})
    assert (found.project, found.subject, found.session) == ("P2", "S2", "E1")


def test_a_candidate_that_is_no_project_is_passed_over() -> None:
    found = route({PATIENT_COMMENTS: "Project:Typo", STUDY_DESCRIPTION: "P4"})
    assert found.project == "P4"
    assert [(s.extractor, s.found, s.verdict) for s in steps(found, Concept.PROJECT)][2:6] == [
        ("patient comments", "Typo", Verdict.NOT_A_PROJECT),
        ("study comments", None, Verdict.ABSENT),
        ("additional patient history", None, Verdict.ABSENT),
        ("study description", "P4", Verdict.WON),
    ]


def test_a_project_is_looked_up_exactly_and_an_alias_gives_the_id() -> None:
    assert route({STUDY_DESCRIPTION: "p1"}).project is None
    assert route({STUDY_DESCRIPTION: "P1 "}).project == "P1"
    assert route({STUDY_DESCRIPTION: "other name"}).project == "P6"
    assert route({STUDY_DESCRIPTION: "P6"}).project is None


def test_a_blank_assignment_goes_on_to_the_next_extractor() -> None:
    found = route({PATIENT_COMMENTS: "Subject: Session:", PATIENT_NAME: "Doe^John"})
    assert (found.subject, found.session) == ("Doe_John", DEFAULT_SESSION)
    assert steps(found, Concept.SUBJECT)[2].verdict is Verdict.BLANK


def test_a_name_in_a_comment_falls_to_the_patient_name() -> None:
    found = route({PATIENT_COMMENTS: "Subject:Doe^John", PATIENT_NAME: "Roe^Jane^^Dr"})
    assert found.subject == "Roe_Jane__Dr"


def test_newlines_in_comments_do_not_defeat_routing() -> None:
    found = route({PATIENT_COMMENTS: "note\r\nProject:P1\r\nmore"})
    assert found.project == "P1"
    assert steps(found, Concept.PROJECT)[2].note == "matched only after newline normalisation"


@pytest.mark.parametrize(
    "text, flag",
    [
        ("t", True),
        ("TRUE", True),
        (" true ", True),
        ("f", False),
        ("False", False),
        ("yes", None),
        ("1", None),
        ("", None),
        (None, None),
    ],
)
def test_auto_archive_is_true_false_or_no_opinion(text: str | None, flag: bool | None) -> None:
    assert parse_auto_archive(text) is flag


def test_the_first_flag_counts_even_if_it_says_nothing() -> None:
    found = route({PATIENT_COMMENTS: "Project:P1 AA:maybe", STUDY_COMMENTS: "AA:true"})
    assert found.auto_archive is None
    assert "code of the project" in steps(found, Concept.AUTO_ARCHIVE)[2].note


def test_the_flag_is_ignored_without_a_project() -> None:
    found = route({PATIENT_COMMENTS: "AA:true"})
    assert (found.project, found.auto_archive) == (None, None)
    assert "no project" in steps(found, Concept.AUTO_ARCHIVE)[2].note
    given = route({}, request=RequestParameters(auto_archive=True))
    assert given.auto_archive is None


# Rules of the site.


def test_site_rules_come_before_comments_and_are_tried_in_order() -> None:
    router = site(
        project="(0008,1010):(MR15_.*):1 t:.+ r:P1\n(0008,1010):(MR3T_.*):1 t:.+ r:P2",
        subject="(0008,0030):(.*)\n(0010,0010):.*_(.*)",
        session="(0008,0020):(.*)",
        autoarchive="(0008,1010):MR(.).* t:3 r:false",
    )
    found = route(
        {
            STATION: "MR3T_A",
            0x0008_0020: "20061214",
            PATIENT_COMMENTS: "Project:P3 Subject:S3 Session:E3 AA:true",
            PATIENT_NAME: "SPP_0x220790",
        },
        router=router,
    )
    assert (found.project, found.subject, found.session) == ("P2", "0x220790", "20061214")
    assert found.auto_archive is False
    assert winner(found, Concept.PROJECT) == "site rule 2"
    rules = steps(found, Concept.PROJECT)[1:3]
    assert [(s.element, s.saw, s.found, s.verdict) for s in rules] == [
        ("(0008,1010)", "MR3T_A", None, Verdict.NO_MATCH),
        ("(0008,1010)", "MR3T_A", "P2", Verdict.WON),
    ]
    assert steps(found, Concept.SUBJECT)[1].verdict is Verdict.ABSENT


def test_auto_archive_rules_of_the_site_decide() -> None:
    router = site(autoarchive="(0008,1010):(.*) t:MR.* r:true")
    found = route({STATION: "MR1", PATIENT_COMMENTS: "Project:P1 AA:false"}, router=router)
    assert found.auto_archive is True


def test_built_in_extractors_apply_when_no_rule_gives_anything() -> None:
    router = site(
        project="(0008,1010):(.*)", subject="(0008,1010):X(.*)", session="(0008,1010):()MR.*"
    )
    found = route(
        {STATION: "MR3T_A", PATIENT_COMMENTS: "Project:P1 Subject:S1 Session:E1"}, router=router
    )
    assert (found.project, found.subject, found.session) == ("P1", "S1", "E1")
    assert steps(found, Concept.PROJECT)[1].verdict is Verdict.NOT_A_PROJECT
    assert steps(found, Concept.SUBJECT)[1].verdict is Verdict.NO_MATCH
    assert steps(found, Concept.SESSION)[1].verdict is Verdict.BLANK


def test_labels_from_rules_are_cleaned_and_projects_are_not() -> None:
    router = site(
        project="(0008,1030):(.*)!", subject="(0008,1030):(.*)", session="(0008,1030):(.*)"
    )
    found = route({STUDY_DESCRIPTION: "other name!"}, router=router)
    assert (found.project, found.subject, found.session) == ("P6", "other_name_", "other_name_")


def test_rules_read_numbers_of_every_kind() -> None:
    elements: Elements = {0x0028_0010: 512, 0x0020_0013: "7 ", 0x0040_9225: 2.5}
    router = site(
        subject="(0028,0010):(51.)", session="(0020,0013):(7)", autoarchive="(0040,9225):(.*)"
    )
    found = route(elements, router=router)
    assert (found.subject, found.session) == ("512", "7")
    assert steps(found, Concept.AUTO_ARCHIVE)[1].saw == "2.5"


def test_a_rule_on_a_sequence_finds_it_blank() -> None:
    item = bytes.fromhex("feff00e000000000")
    found = route({0x0008_1110: item}, router=site(session="(0008,1110):(?s)(.*)"))
    assert found.session == DEFAULT_SESSION
    assert steps(found, Concept.SESSION)[1].verdict is Verdict.BLANK


def test_a_rule_that_backtracks_for_ever_is_reported_and_passed_over() -> None:
    router = site(project="\n(0008,1030):(a|aa)+b:0")
    found = route({STUDY_DESCRIPTION: "a" * 63 + "c", ACCESSION_NUMBER: "P1"}, router=router)
    assert found.project == "P1"
    step = steps(found, Concept.PROJECT)[1]
    assert (step.extractor, step.verdict, step.note) == (
        "site rule 2",
        Verdict.NO_MATCH,
        TIMED_OUT,
    )
    assert router.timeouts == {"site rule 2": 2}
    # A route that a rule had no time for is not remembered: it is asked again each time.
    router.route(header({STUDY_DESCRIPTION: "a" * 63 + "c", ACCESSION_NUMBER: "P1"}))
    assert router.timeouts == {"site rule 2": 3}


def test_rules_that_could_not_have_been_saved_make_no_router() -> None:
    with pytest.raises(InvalidRules):
        site(project="nonsense")


# Rules of a receiver.

COMBINED = r"(0014,0046):Project:(\w+)\s*Subject:(\w+)\s*Session:(\w+)"
WITH_RECEIVERS = RoutingConfig(
    projects=PROJECTS,
    site=RuleTexts(subject="(0010,4000):(.*) t:.+ r:sitewide"),
    receivers={
        "ALL": RuleTexts(project=COMBINED, subject=COMBINED + ":2", session=COMBINED + ":3"),
        "SOME": RuleTexts(project=COMBINED, session=COMBINED + ":3"),
        "FIXED": RuleTexts(
            project="(0020,000E):(.*):1 t:.+ r:P5",
            subject="(0010,4001):(.*):1 t:.+ r:no\n(0020,000E):(.*):1 t:.+ r:subj_rtd2",
        ),
    },
)
RECEIVERS = Router(WITH_RECEIVERS)
RECEIVED: Elements = {
    MATERIAL_NOTES: "Project:P1 Subject:subj_rtd Session:sess_rtd",
    PATIENT_COMMENTS: "Project:P2 Subject:subj Session:sess",
    0x0020_000E: "1.2.3",
    PATIENT_ID: "ID",
}


@pytest.mark.parametrize(
    "receiver, project, subject, session",
    [
        ("ALL", "P1", "subj_rtd", "sess_rtd"),
        ("SOME", "P1", "sitewide", "sess_rtd"),
        ("FIXED", "P5", "subj_rtd2", "sess"),
        ("OTHER", "P2", "sitewide", "sess"),
        (None, "P2", "sitewide", "sess"),
    ],
)
def test_rules_of_a_receiver_come_first_and_only_for_its_objects(
    receiver: str | None, project: str, subject: str, session: str
) -> None:
    found = route(RECEIVED, router=RECEIVERS, receiver=receiver)
    assert (found.project, found.subject, found.session) == (project, subject, session)


def test_the_trace_names_rules_by_line_and_lists_that_are_empty() -> None:
    found = route(RECEIVED, router=RECEIVERS, receiver="FIXED")
    assert winner(found, Concept.SUBJECT) == "receiver rule 2"
    assert [s.extractor for s in steps(found, Concept.PROJECT)][:3] == [
        "receiver rule 1",
        "site rules",
        "patient comments",
    ]
    assert steps(found, Concept.PROJECT)[-1].verdict is Verdict.NOT_ASKED


def test_the_tags_of_a_receiver_are_those_that_routing_may_read() -> None:
    built_in = {0x0010_4000, 0x0032_4000, 0x0010_21B0}
    built_in |= {0x0008_1030, 0x0008_0050, 0x0010_0010, 0x0010_0020}
    assert PLAIN.tags() == built_in
    assert RECEIVERS.tags("ALL") == built_in | {MATERIAL_NOTES}
    assert RECEIVERS.tags("FIXED") == built_in | {0x0020_000E, 0x0010_4001}


def test_a_rule_on_an_element_behind_the_pixels_says_why_it_gave_nothing() -> None:
    found = route({PATIENT_ID: "x"}, router=site(project="(F215,1050):(.*)"))
    step = steps(found, Concept.PROJECT)[1]
    assert (step.element, step.verdict) == ("(F215,1050)", Verdict.ABSENT)
    assert "behind the pixel data" in step.note


# Requests.


def test_a_request_wins_over_everything_and_is_used_as_supplied() -> None:
    request = RequestParameters(
        project="other name", subject="Sub ject", session="Ses.sion", auto_archive=False
    )
    found = route(EVERYTHING, router=PLAIN, request=request)
    assert (found.project, found.subject, found.session) == ("P6", "Sub ject", "Ses.sion")
    assert found.auto_archive is False
    assert [winner(found, concept) for concept in Concept] == ["request"] * 4
    others = [step for step in found.trace if step.verdict is not Verdict.WON]
    assert {step.verdict for step in others} == {Verdict.NOT_ASKED, Verdict.ABSENT}


def test_blank_parameters_count_as_not_given() -> None:
    request = RequestParameters(project="", subject=" ", session="")
    found = route(EVERYTHING, request=request)
    assert (found.project, found.subject, found.session) == ("P1", "S1", "E1")


def test_an_unknown_project_of_a_request_is_refused_unless_it_may_fall_back() -> None:
    for trace in (False, True):
        with pytest.raises(UnknownProject, match="not known") as error:
            PLAIN.route(header(EVERYTHING), request=RequestParameters(project="Typo"), trace=trace)
        assert error.value.project == "Typo"
        assert "Typo" not in str(error.value)
    found = route(EVERYTHING, request=RequestParameters(project="Typo", fallback_to_header=True))
    assert found.project == "P1"
    first = steps(found, Concept.PROJECT)[0]
    assert (first.extractor, first.found, first.verdict) == (
        "request",
        "Typo",
        Verdict.NOT_A_PROJECT,
    )


# Odd headers.


def test_a_japanese_name_leaves_one_underscore_a_character() -> None:
    name = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    found = route({0x0008_0005: b"\\ISO 2022 IR 87 ", PATIENT_NAME: name, PATIENT_ID: "17"})
    assert found.subject == "Yamada_Tarou______"
    assert steps(found, Concept.SUBJECT)[-1].saw == "Yamada^Tarou=山田^太郎"


def test_iso_2022_text_around_an_assignment_does_not_hide_it() -> None:
    comment = b"\x1b$B;3ED\x1b(B Project:P1 \x1b$BB@O:\x1b(B"
    found = route({0x0008_0005: b"\\ISO 2022 IR 87 ", PATIENT_COMMENTS: comment})
    assert found.project == "P1"


@pytest.mark.parametrize("name", ["山田^太郎", "Иван^", "^^", "_-", "…"])
def test_a_label_without_letter_or_digit_is_no_answer(name: str) -> None:
    found = route({PATIENT_NAME: name, PATIENT_ID: name})
    assert (found.subject, found.session) == (None, DEFAULT_SESSION)
    for concept in (Concept.SUBJECT, Concept.SESSION):
        (step,) = [one for one in steps(found, concept) if one.verdict is Verdict.BLANK]
        assert step.extractor in ("patient name", "patient id")
    asked = route({PATIENT_NAME: "1", PATIENT_ID: "é", PATIENT_COMMENTS: "Session:__ Subject:-"})
    assert (asked.subject, asked.session) == ("1", DEFAULT_SESSION)
    # The project is looked up, and is no label; what a request says counts as it is.
    router = Router(RoutingConfig(projects={"__": "P1"}))
    assert route({STUDY_DESCRIPTION: "__"}, router=router).project == "P1"
    assert route({}, request=RequestParameters(subject="__")).subject == "__"


def test_why_a_name_gives_no_label_is_told() -> None:
    step = steps(route({PATIENT_NAME: "山田^太郎"}), Concept.SUBJECT)[-1]
    assert (step.saw, step.found, step.verdict) == ("山田^太郎", "山田^太郎", Verdict.BLANK)
    assert step.note == "no letter or digit is left for a label"


def test_a_rule_whose_answer_makes_no_label_leaves_the_word_to_the_next() -> None:
    router = site(subject="(0010,0010):(.*)\n(0010,0020):(.*)")
    assert route({PATIENT_NAME: "山田", PATIENT_ID: "17"}, router=router).subject == "17"


@pytest.mark.parametrize(
    "name", ["DOE^JANE", "DOE^JANE^^", " DOE^JANE^ ^", "DOE^JANE=", "DOE^JANE^^\\X"]
)
def test_a_name_written_in_any_way_gives_one_label(name: str) -> None:
    found = route({PATIENT_NAME: name, PATIENT_ID: " 00123 "})
    assert (found.subject, found.session) == ("DOE_JANE", "00123")


def test_the_character_set_of_a_name_goes_back_to_the_first_at_each_delimiter() -> None:
    name = b"M\xfcller^\x1b-F\xc4\xe9\xef^J\xfcrg"
    found = route({0x0008_0005: b"ISO 2022 IR 100\\ISO 2022 IR 126 ", PATIENT_NAME: name})
    assert steps(found, Concept.SUBJECT)[-1].saw == "Müller^Διο^Jürg"


def test_utf_8_labels_are_cleaned_by_character() -> None:
    assert route({PATIENT_NAME: "Müller^Zoë"}).subject == "M_ller_Zo_"


def test_multi_valued_elements_give_their_first_value() -> None:
    found = route({PATIENT_ID: "A1\\B2", STUDY_DESCRIPTION: "P2\\P1", PATIENT_NAME: "Doe\\Roe"})
    assert (found.project, found.subject, found.session) == ("P2", "Doe", "A1")


def test_a_backslash_in_a_comment_is_text() -> None:
    assert route({PATIENT_COMMENTS: "a\\b Project:P1"}).project == "P1"


def test_an_empty_header_goes_to_unassigned() -> None:
    found = route({})
    assert (found.project, found.subject, found.session, found.auto_archive) == (
        None,
        None,
        DEFAULT_SESSION,
        None,
    )


def test_the_trace_keeps_only_the_head_of_a_long_text() -> None:
    found = route({PATIENT_COMMENTS: "Project:P1 " + "x" * 5000})
    step = steps(found, Concept.PROJECT)[2]
    assert len(step.saw) == 257
    assert step.verdict is Verdict.WON


# Properties.


def test_a_configuration_and_a_route_survive_encoding() -> None:
    config = RoutingConfig(
        projects=PROJECTS,
        site=RuleTexts(project="(0008,1030):(.*)"),
        receivers={"AE": RuleTexts(session="(0008,0020):(.*)")},
    )
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(config), type=RoutingConfig)
    assert decoded == config
    found = Router(decoded).route(header(EVERYTHING), receiver="AE", trace=True)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Route) == found


_TEXT = st.lists(
    st.sampled_from(
        ["Project:", "Subject:", "Session:", "AA:", "P1", "P4", "t", "false", " ", "\r\n", "^", "é"]
    ),
    max_size=8,
).map("".join)
_RULES = st.lists(
    st.sampled_from(
        [
            "(0008,1030):(.*)",
            "(0010,0010):([^^]*).*",
            "(0010,4000):.*(P.).*",
            "(0008,1010):(.*) t:.+ r:P2",
            "",
        ]
    ),
    max_size=3,
).map("\n".join)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    elements=st.dictionaries(st.sampled_from([*EVERYTHING, STATION]), _TEXT),
    own=st.builds(RuleTexts, project=_RULES, subject=_RULES, session=_RULES, autoarchive=_RULES),
    general=st.builds(RuleTexts, project=_RULES, subject=_RULES),
    receiver=st.sampled_from([None, "AE", "OTHER"]),
    request=st.none()
    | st.builds(
        RequestParameters,
        project=st.sampled_from([None, "P3", "Typo"]),
        subject=st.sampled_from([None, "S"]),
        auto_archive=st.sampled_from([None, True, False]),
        fallback_to_header=st.just(True),
    ),
)
def test_the_lean_and_the_traced_way_agree(
    elements: Elements,
    own: RuleTexts,
    general: RuleTexts,
    receiver: str | None,
    request: RequestParameters | None,
) -> None:
    router = Router(RoutingConfig(projects=PROJECTS, site=general, receivers={"AE": own}))
    found = route(elements, router=router, receiver=receiver, request=request)
    for concept in Concept:
        won = [s for s in steps(found, concept) if s.verdict is Verdict.WON]
        assert len(won) <= 1
        asked_after = False
        for step in steps(found, concept):
            if asked_after:
                assert step.verdict in (Verdict.NOT_ASKED, Verdict.ABSENT)
            asked_after = asked_after or step.verdict is Verdict.WON


# What is remembered.


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries(
                {},
                optional={
                    PATIENT_COMMENTS: st.sampled_from(
                        ["Project:P1 Subject:S1", "Project:P2 AA:true", "Session:\u00c4", "none"]
                    ),
                    STUDY_DESCRIPTION: st.sampled_from(["P3", "P4\\P5", "other name", ""]),
                    ACCESSION_NUMBER: st.sampled_from(["P5", "A1"]),
                    PATIENT_NAME: st.sampled_from(["DOE^JANE", "M\u00fcller^Uwe"]),
                    PATIENT_ID: st.sampled_from(["ID1", "ID2"]),
                    MATERIAL_NOTES: st.sampled_from(["Project:P1 Subject:S9 Session:E9", "x"]),
                    0x0008_0005: st.sampled_from(["ISO_IR 100", "ISO_IR 192", "ISO_IR 144"]),
                    0x0028_0010: st.integers(0, 3),
                },
            ),
            st.sampled_from([None, "ALL", "SOME", "NONE"]),
        ),
        max_size=90,
    )
)
def test_what_a_router_remembers_is_what_it_would_say_anew(
    headers: list[tuple[Elements, str | None]],
) -> None:
    lasting = Router(WITH_RECEIVERS)
    for elements, receiver in headers:
        anew = Router(WITH_RECEIVERS).route(header(elements), receiver=receiver)
        for _ in range(2):
            assert lasting.route(header(elements), receiver=receiver) == anew


def test_a_route_is_asked_for_once_for_objects_that_say_the_same() -> None:
    asked: list[str] = []
    router = Router(RoutingConfig(projects=PROJECTS))
    ask = router._ask
    router._ask = lambda *of, **more: asked.append("") or ask(*of, **more)  # type: ignore[func-returns-value, method-assign]
    for number in range(5):
        router.route(header({PATIENT_ID: "ID1", PATIENT_NAME: "A", 0x0020_0013: str(number)}))
    assert len(asked) == 1
    router.route(header({PATIENT_ID: "ID2", PATIENT_NAME: "A"}))
    assert len(asked) == 2


def test_a_private_element_is_read_by_its_creator_also_where_the_rest_is_remembered() -> None:
    lasting = site(subject="(0019,1029):(.*)")

    def written(creator: bytes) -> Header:
        data = struct.pack("<HHI", 0x19, 0x10, len(creator)) + creator
        return Header.index(data + struct.pack("<HHId", 0x19, 0x1029, 8, 2.5), explicit=False)

    subjects = [lasting.route(written(b)).subject for b in (b"SIEMENS MR HEADER ", b"NOBODY")]
    assert subjects[0] == "2_5"
    assert subjects[1] == site(subject="(0019,1029):(.*)").route(written(b"NOBODY")).subject
    assert subjects[1] != subjects[0]
