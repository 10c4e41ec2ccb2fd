# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sessions.build.scans import (
    SeriesName,
    learn_scan_types,
    normal_description,
    scan_ids,
    scan_order,
    scan_type,
)


def name(uid: str, number: str, modality: str = "MR") -> SeriesName:
    return SeriesName(uid=uid, number=number, modality=modality)


@pytest.mark.parametrize(
    ("series", "ids"),
    [
        ([name("1.1", "3")], {"1.1": "3"}),
        ([name("1.1", "")], {"1.1": "1_1"}),
        ([name("1.1", "+3")], {"1.1": "_3"}),
        ([name("1.1", "4/1")], {"1.1": "1_1"}),
        ([name("1.1", "..")], {"1.1": "1_1"}),
        ([name("1.1", "3"), name("1.2", "3")], {"1.1": "3-MR1", "1.2": "3-MR2"}),
        ([name("1.2", "3", "SC"), name("1.1", "3")], {"1.1": "3-MR1", "1.2": "3-SC1"}),
        (
            [name("1.1", "3"), name("1.2", "3", "OT"), name("1.3", "3"), name("1.4", "4")],
            {"1.1": "3-MR1", "1.2": "3-OT1", "1.3": "3-MR2", "1.4": "4"},
        ),
    ],
)
def test_scan_ids(series: list[SeriesName], ids: dict[str, str]) -> None:
    assert scan_ids(series) == ids
    assert scan_ids(reversed(series)) == ids


_names = st.builds(
    name,
    uid=st.text(alphabet="0123456789.", min_size=1, max_size=70),
    number=st.one_of(st.integers(-3, 6).map(str), st.text(max_size=80)),
    modality=st.sampled_from(["MR", "SC", "OT"]),
)


@given(st.lists(_names, max_size=12, unique_by=lambda each: each.uid))
def test_every_series_gets_a_safe_name_of_its_own(series: list[SeriesName]) -> None:
    ids = scan_ids(series)
    assert set(ids) == {each.uid for each in series}
    assert len({each.lower() for each in ids.values()}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", each) for each in ids.values())
    assert all(len(each) < 100 for each in ids.values())


def test_scans_stand_in_the_order_of_their_numbers() -> None:
    ordered = ["2", "3", "3-MR1", "3-MR2", "3-SC1", "10", "1_2_840", "_3"]
    assert sorted(reversed(ordered), key=scan_order) == ordered


@given(st.text(max_size=30))
def test_any_id_can_be_ordered(text: str) -> None:
    assert scan_order(text) == scan_order(text)


def test_a_scan_is_named_as_the_project_named_it_before() -> None:
    learned = learn_scan_types(
        [("t1_mpr", "T1"), ("T1 MPR", "T1"), ("T1-MPR*", "odd"), ("T2", "unknown"), ("", "x")]
    )
    assert learned == {"T1MPR": "T1"}
    assert scan_type("T1_m p-r", learned) == "T1"
    assert scan_type("T2", learned) == "T2"
    assert scan_type("", learned) == "unknown"


def test_descriptions_are_compared_without_what_people_vary() -> None:
    assert normal_description(" t1_MPR-sag* 1 ") == "T1MPRSAG1"
