# SPDX-License-Identifier: Apache-2.0
"""The first object of a session is routed once more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.model.errors import Conflict, NotFound
from engine.routing.router import RoutingConfig
from engine.routing.rules import RuleTexts
from engine.sessions.rerouting import route_first
from tests.engine.sessions.build.objects import received

RULES = RuleTexts(session="(0008,0050):(.+)")


def arrive(folder: Path, name: str, second: int, *, accession: str) -> Path:
    path = received(folder, name, AccessionNumber=accession)
    os.utime(path, (second, second))
    return path


def test_the_object_that_came_first_is_routed(tmp_path: Path) -> None:
    arrive(tmp_path, "a.dcm", 20, accession="LATE")
    arrive(tmp_path, "b.dcm", 10, accession="EARLY")
    route = route_first(tmp_path, RoutingConfig(site=RULES), "")
    assert route.session == "EARLY" and route.trace


def test_the_rules_of_the_receiver_are_asked(tmp_path: Path) -> None:
    arrive(tmp_path, "a.dcm", 1, accession="A1")
    config = RoutingConfig(receivers={"MINE": RuleTexts(session="(0008,0050):(.+) t:A r:MINE")})
    assert route_first(tmp_path, config, "MINE").session == "MINE1"
    assert route_first(tmp_path, config, "OTHER").session != "MINE1"


def test_an_object_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    first = arrive(tmp_path, "a.dcm", 1, accession="A1")
    arrive(tmp_path, "b.dcm", 2, accession="A2")
    first.write_bytes(b"nothing")
    os.utime(first, (1, 1))
    assert route_first(tmp_path, RoutingConfig(site=RULES), "").session == "A2"
    for path in (tmp_path / "SCANS/1/DICOM").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(Conflict):
        route_first(tmp_path, RoutingConfig(site=RULES), "")


def test_a_session_without_objects_cannot_be_routed(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        route_first(tmp_path, RoutingConfig(), "")
