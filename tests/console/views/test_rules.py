# SPDX-License-Identifier: Apache-2.0
"""Texts of rules in words: places, edits, faults, and what is asked before one is saved."""

from __future__ import annotations

from dataclasses import replace

from console.views import rules
from console.views.rules import Draft, RulePlace
from engine.model.archive import RuleText
from engine.model.errors import Problem
from engine.model.live import ReceiverStatus
from engine.model.routing import Concept
from tests.console.piloting import HOSTILE
from tests.memory import NOON
from tests.memory.configuration import project

SITE = RulePlace(scope="site", concept=Concept.PROJECT)


def receiver(ae_title: str, port: int, *, routes: bool) -> ReceiverStatus:
    return ReceiverStatus(
        ae_title=ae_title,
        port=port,
        enabled=True,
        listening=True,
        origin="added",
        rules_enabled=routes,
    )


def text(version: int = 3, words: str = "one\ntwo", *, enabled: bool = True) -> RuleText:
    return RuleText(
        scope="site",
        concept="project",
        version=version,
        text=words,
        enabled=enabled,
        at=NOON,
        author="ak",
    )


def test_rules_of_the_site_come_before_those_of_receivers_and_projects() -> None:
    receivers = (
        receiver("CT 1", 8105, routes=True),
        receiver("CT 1", 8106, routes=True),
        receiver("MR", 8107, routes=False),
    )
    found = rules.places(receivers, (project("NEURO3"),))
    scopes = [one.scope for one in found if not one.project]
    assert scopes == ["site"] * 5 + ["receiver:CT 1"] * 5
    assert [one.title for one in found][-2:] == ["Rules of CT 1, auto-arch", "NEURO3"]
    assert len({one.key for one in found}) == len(found)


def test_an_edited_text_has_a_sign_in_the_list() -> None:
    assert rules.row(SITE, None, edited=True).cells[0] == "~ project"
    assert rules.row(SITE, None, edited=False).cells[0] == "  project"
    made = project("NEURO3", prearchive_code=4, quarantine_code=1)
    assert rules.row(RulePlace(project="NEURO3"), made, edited=False).cells == (
        "NEURO3",
        "4",
        "1",
    )


def test_what_is_asked_before_and_after_belongs_to_the_scope() -> None:
    own = RulePlace(scope="receiver:CT1", concept=Concept.SUBJECT)
    assert "these are asked first" in own.asked_before
    assert own.asked_after.startswith("the rules of the site; “Subject:”")
    assert SITE.asked_after.startswith("“Project:”")


def test_a_text_is_made_harmless_line_by_line() -> None:
    shown = rules.tidy(f"one\r\n{HOSTILE}\rlast")
    assert shown.split("\n")[0] == "one"
    assert shown.split("\n")[-1] == "last"
    assert all(line.isprintable() for line in shown.split("\n"))
    assert rules.altered(HOSTILE)
    assert not rules.altered("one\r\ntwo\n")


def test_edited_lines_are_counted() -> None:
    assert rules.edits("a\nb\nc", "a\nb\nc") == 0
    assert rules.edits("a\nb\nc", "a\nX\nc\nd") == 2
    assert rules.edits("a\nb\nc", "a") == 2


def test_the_fault_of_the_line_is_said_else_the_first() -> None:
    problems = (
        Problem(message="no tag", line=2, column=1),
        Problem(message="no end", line=6, column=14),
    )
    assert rules.fault_near(problems, 6) == "line 6, column 14: no end   and 1 more"
    assert rules.fault_near(problems, 1).startswith("line 2, column 1: no tag")
    assert rules.fault_near((), 1) == ""


def test_provenance_says_whose_text_it_is_and_whether_it_holds() -> None:
    assert "version 3 by ak" in rules.provenance(text())
    assert rules.provenance(text(enabled=False)).endswith("not in force")
    assert "nobody" in rules.provenance(RuleText(scope="site", concept="project"))


def test_saving_needs_a_change_and_names_a_version_that_came_between() -> None:
    draft = Draft(place=SITE, base=text(), text="one\ntwo\nthree")
    asked = rules.question(draft, text())
    assert asked.rows == ("1 line edited, on version 3",)
    assert asked.warning == ""
    assert asked.fault({"enabled": "yes", "reason": "x"}) == ""
    assert asked.fault({"enabled": "perhaps", "reason": "x"}) == "in force: yes or no"
    same = replace(draft, text="one\ntwo")
    assert rules.question(same, text()).fault({"enabled": "yes"}) == "nothing is changed yet"
    assert rules.question(same, text()).fault({"enabled": "no"}) == ""
    newer = replace(text(version=4), author="hale")
    assert "version 4 by hale" in rules.question(draft, newer).warning


def test_the_command_names_scope_and_reason() -> None:
    given = {"enabled": "no", "reason": "a scanner moved"}
    own = RulePlace(scope="receiver:CT 1", concept=Concept.SESSION)
    assert rules.command(own, given) == (
        "anteroom rules set session FILE --receiver 'CT 1' --disable --reason 'a scanner moved'"
    )
    assert rules.command(SITE, {}) == "anteroom rules set project FILE --site"
