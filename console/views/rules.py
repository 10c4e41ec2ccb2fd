# SPDX-License-Identifier: Apache-2.0
"""Routing rule texts as users see them: their places in the list beside projects, the questions
before and after an edit, what an edit has changed, and where a fault is. Pure; the rules themselves
are the engine's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from console.views import figures
from console.views.question import NO, YES_NO, Answers, Field, Question, reason, yes_no
from console.views.rows import UNASSIGNED, Row, TableColumn
from console.views.text import plain_text
from engine.model.archive import Project, RuleText
from engine.model.errors import Problem
from engine.model.live import ReceiverStatus
from engine.model.routing import Concept
from engine.model.what_if import Rerouted, WhatIf

SITE = "site"

COLUMNS = (
    TableColumn(title="Project", width=12, grows=True),
    TableColumn(title="pre", width=3, right=True),
    TableColumn(title="qua", width=3, right=True),
)

_TITLES = {
    Concept.PROJECT: "project",
    Concept.SUBJECT: "subject",
    Concept.SESSION: "session",
    Concept.AUTO_ARCHIVE: "auto-arch",
}
_AFTER = {
    Concept.PROJECT: "“Project:” in the comments, Study Description, Accession Number; Unassigned",
    Concept.SUBJECT: "“Subject:” in the comments, then the whole Patient's Name",
    Concept.SESSION: "“Session:” in the comments, then the whole Patient ID",
    Concept.AUTO_ARCHIVE: "“AA:” in the comments, then the project's prearchive code",
}
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class RulePlace:
    """What a row of the list stands for: a project, a text of rules, or the head of four texts."""

    project: str = ""
    scope: str = ""
    concept: Concept | None = None

    @property
    def key(self) -> str:
        """The key of its row."""
        if self.project:
            return f"project {self.project}"
        return f"rules {self.concept or ''} {self.scope}"

    @property
    def has_rules(self) -> bool:
        """Whether it is one text of rules."""
        return self.concept is not None

    @property
    def title(self) -> str:
        """What it is called."""
        if self.project:
            return self.project
        receiver = self.scope.partition(":")[2]
        whose = f"Rules of {receiver}" if receiver else "Site rules"
        return f"{whose}, {_TITLES[self.concept]}" if self.concept else whose

    @property
    def asked_before(self) -> str:
        """What is asked before these rules."""
        if self.scope == SITE:
            return "the rules of the receiver, where it has its own on"
        return "nothing: these are asked first"

    @property
    def asked_after(self) -> str:
        """What is asked after these rules."""
        if self.concept is None:
            return ""
        site = "" if self.scope == SITE else "the rules of the site; "
        return site + _AFTER[self.concept]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A text that was edited and is not saved."""

    place: RulePlace
    base: RuleText
    """The version that the edit began with."""
    text: str


def places(receivers: Sequence[ReceiverStatus], projects: Sequence[Project]) -> list[RulePlace]:
    """Return what the list has: rules of the site, of receivers with their own, then projects."""
    own = dict.fromkeys(f"receiver:{one.ae_title}" for one in receivers if one.rules_enabled)
    found = []
    for scope in (SITE, *own):
        found.append(RulePlace(scope=scope))
        found += [RulePlace(scope=scope, concept=concept) for concept in Concept]
    return [*found, *(RulePlace(project=one.id) for one in projects)]


def row(place: RulePlace, project: Project | None, *, edited: bool) -> Row:
    """Show one of them; an edit that is not saved has a sign."""
    if project is not None:
        codes = (str(project.prearchive_code), str(project.quarantine_code))
        return Row(key=place.key, cells=(project.id, *codes))
    if place.concept is None:
        receiver = place.scope.partition(":")[2]
        name = f"rules of {receiver}" if receiver else "site rules"
        return Row(key=place.key, cells=(name, "", ""), tone="dim")
    sign = "~" if edited else " "
    return Row(
        key=place.key,
        cells=(f"{sign} {_TITLES[place.concept]}", "", ""),
        tone="look" if edited else "plain",
    )


def explained(place: RulePlace) -> list[tuple[str, str]]:
    """Say what the four texts of a scope are for."""
    lines = [
        ("", "Four texts say where an object belongs, each on its own. Its lines are asked"),
        ("", "from the top; the first that names something wins."),
        ("", ""),
    ]
    for concept in Concept:
        one = RulePlace(scope=place.scope, concept=concept)
        lines.append((_TITLES[concept], f"after its lines: {one.asked_after}"))
    return [*lines, ("", ""), ("before", place.asked_before), ("enter", "on one of the four: edit")]


RULES_LIVE_ELSEWHERE = (
    ("", "Rules do not belong to a project: they say which project an object goes to."),
    ("", ""),
    ("site", "The rules of the site are at the top of this list."),
    ("receiver", "A receiver has its own once that is on: 0 System, Receivers, enter, own rules."),
    ("alias", "An alias is another name that a rule may find the project by: see Settings."),
)
"""What stands under Rules of a project."""


def tidy(text: str) -> str:
    """Return a text whose lines are harmless to draw, with one kind of line end."""
    return "\n".join(plain_text(line) for line in _NEWLINE.split(text))


def altered(text: str) -> bool:
    """Whether a text had signs that cannot be drawn, so that others stand for them."""
    return any(plain_text(line) != line for line in _NEWLINE.split(text))


def edits(before: str, after: str) -> int:
    """Count the lines that differ."""
    matcher = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return sum(
        max(old_end - old, new_end - new)
        for kind, old, old_end, new, new_end in matcher.get_opcodes()
        if kind != "equal"
    )


def fault(problem: Problem) -> str:
    """Say where a fault is and what it is."""
    return f"line {problem.line}, column {problem.column}: {problem.message}"


def fault_near(problems: Sequence[Problem], line: int) -> str:
    """Say the fault on a line (from 1), else the first one; empty where there is none."""
    if not problems:
        return ""
    here = next((one for one in problems if one.line == line), problems[0])
    others = len(problems) - 1
    return fault(here) + (f"   and {figures.plural(others, 'more', 'more')}" if others else "")


def provenance(text: RuleText) -> str:
    """Say which version a text is and whose."""
    if not text.version:
        return "nobody has written any yet"
    off = "" if text.enabled else " · not in force"
    return f"version {text.version} by {text.author}, {figures.moment(text.at)[:16]}{off}"


def question(draft: Draft, now: RuleText, effect: WhatIf | None = None) -> Question:
    """Ask before a text is saved over the one that is in force `now`; `effect` is what it would
    have done to the last sessions."""
    count = edits(tidy(draft.base.text), draft.text)
    enabled = yes_no(now.enabled)
    meanwhile = now.version != draft.base.version
    by = f"version {now.version} by {now.author} was saved meanwhile: this one replaces it"

    def wrong(given: Answers) -> str:
        if given["enabled"] not in YES_NO:
            return "in force: yes or no"
        if not count and not meanwhile and given["enabled"] == enabled:
            return "nothing is changed yet"
        return ""

    return Question(
        title=f"Save: {draft.place.title}",
        act="Save",
        rows=(
            f"{figures.plural(count, 'line')} edited, on version {draft.base.version}",
            *(effects(effect) if effect is not None else ()),
        ),
        says=(
            "It holds at once for what arrives from now on; what waits stays where it is.",
            "Every version is kept.",
        ),
        warning=by if meanwhile else "",
        fields=(
            reason(needed=True),
            Field(name="enabled", label="In force", value=enabled, choices=YES_NO),
        ),
        command=lambda given: command(draft.place, given),
        fault=wrong,
    )


def effects(effect: WhatIf) -> tuple[str, ...]:
    """Say which of the last sessions would have gone elsewhere: those that go to another project
    first. Labels of sessions without a project are not shown: they may be a patient's."""
    if not effect.tried:
        return ("no session is there that it could be tried on",)
    many = len(effect.moved)
    of = f"of the last {figures.plural(effect.tried, 'session')}"
    said = [f"{figures.grouped(many) if many else 'none'} {of} would have gone elsewhere"]
    ordered = sorted(effect.moved, key=lambda one: one.now.project == one.then.project)
    said += [_effect(one) for one in ordered]
    if effect.adrift:
        said.append(
            f"less sure of {figures.grouped(effect.adrift)}: the rules in force would not bring "
            "them where they are"
        )
    return tuple(said)


def _effect(one: Rerouted) -> str:
    name = one.id if one.project is None else f"{one.label} ({one.id})"
    changes = []
    if one.now.project != one.then.project:
        changes.append(f"{one.now.project or UNASSIGNED} → {one.then.project or UNASSIGNED}")
    for what, before, after in (
        ("subject", one.now.subject, one.then.subject),
        ("session", one.now.session, one.then.session),
    ):
        if before != after:
            shown = f"{before or 'none'} → {after or 'none'}" if one.project else "another"
            changes.append(f"{what} {shown}")
    if one.now.auto_archive != one.then.auto_archive:
        changes.append(f"auto-archive {_AUTO[one.then.auto_archive]}")
    return f"  {name}: {', '.join(changes)}"


_AUTO = {True: "yes", False: "no", None: "by the project's code"}


def command(place: RulePlace, given: Answers) -> str:
    """Return the command that saves a text from a file."""
    receiver = place.scope.partition(":")[2]
    words = ["anteroom", "rules", "set", str(place.concept), "FILE"]
    words += ["--receiver", receiver] if receiver else ["--site"]
    words += ["--disable"] if given.get("enabled") == NO else []
    if given.get("reason"):
        words += ["--reason", given["reason"]]
    return shlex.join(words)


def unsaved(drafts: Iterable[Draft]) -> tuple[str, ...]:
    """Name the texts that would be lost."""
    return tuple(
        f"{one.place.title}: "
        f"{figures.plural(edits(tidy(one.base.text), one.text), 'line')} edited, not saved"
        for one in drafts
    )
