# SPDX-License-Identifier: Apache-2.0
"""The extractors of each concept, in the order in which they are tried: receiver rules, site rules,
assignments in comments, whole elements. This module defines the order and how an element becomes
text; `engine.routing.router` applies it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.dicom.header import Header
from engine.model.routing import Concept
from engine.routing.assignment import Assignment
from engine.routing.rules import RuleTexts, parse_rules

Find = Callable[[str], tuple[str | None, str]]
"""Takes a text that is not empty, gives the candidate (None: no match) and a note."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extractor:
    """One element, and what to make of its text."""

    concept: Concept
    name: str
    tag: int
    find: Find


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractionPlan:
    """The extractors for objects of one receiver, concept by concept, in order."""

    project: tuple[Extractor, ...]
    subject: tuple[Extractor, ...]
    session: tuple[Extractor, ...]
    auto_archive: tuple[Extractor, ...]
    told: Mapping[Concept, tuple[Extractor | str, ...]]
    """The same for a trace, which also names the lists of rules that have no line."""

    def all(self) -> tuple[Extractor, ...]:
        """Return every extractor of every concept."""
        return self.project + self.subject + self.session + self.auto_archive


def _whole(text: str) -> tuple[str | None, str]:
    return text, ""


_COMMENTS = (
    ("patient comments", 0x0010_4000),
    ("study comments", 0x0032_4000),
    ("additional patient history", 0x0010_21B0),
)


def _built_in(concept: Concept, keyword: str, *whole: tuple[str, int]) -> tuple[Extractor, ...]:
    assignment = Assignment(keyword)
    return tuple(
        Extractor(concept=concept, name=name, tag=tag, find=assignment.find)
        for name, tag in _COMMENTS
    ) + tuple(Extractor(concept=concept, name=name, tag=tag, find=_whole) for name, tag in whole)


_BUILT_IN = {
    Concept.PROJECT: _built_in(
        Concept.PROJECT,
        "Project",
        ("study description", 0x0008_1030),
        ("accession number", 0x0008_0050),
    ),
    Concept.SUBJECT: _built_in(Concept.SUBJECT, "Subject", ("patient name", 0x0010_0010)),
    Concept.SESSION: _built_in(Concept.SESSION, "Session", ("patient id", 0x0010_0020)),
    Concept.AUTO_ARCHIVE: _built_in(Concept.AUTO_ARCHIVE, "AA"),
}


def plan_for(receiver: RuleTexts, site: RuleTexts) -> ExtractionPlan:
    """Compile the rules of a receiver and of the site; raises `InvalidRules`."""
    told: dict[Concept, tuple[Extractor | str, ...]] = {}

    def ordered(concept: Concept, of_receiver: str, of_site: str) -> tuple[Extractor, ...]:
        own = _rules(concept, "receiver rule", of_receiver)
        general = _rules(concept, "site rule", of_site)
        told[concept] = (
            *(own or ("receiver rules",)),
            *(general or ("site rules",)),
            *_BUILT_IN[concept],
        )
        return own + general + _BUILT_IN[concept]

    return ExtractionPlan(
        project=ordered(Concept.PROJECT, receiver.project, site.project),
        subject=ordered(Concept.SUBJECT, receiver.subject, site.subject),
        session=ordered(Concept.SESSION, receiver.session, site.session),
        auto_archive=ordered(Concept.AUTO_ARCHIVE, receiver.autoarchive, site.autoarchive),
        told=told,
    )


def _rules(concept: Concept, kind: str, text: str) -> tuple[Extractor, ...]:
    return tuple(
        Extractor(concept=concept, name=f"{kind} {line.number}", tag=line.tag, find=line.find)
        for line in parse_rules(text).lines
    )


_NOT_TEXT = frozenset({"SQ", "OB", "OW", "OD", "OF", "OL", "OV", "AT"})


def text_of(header: Header, tag: int) -> str | None:
    """Read an element as extractors see it: its first value as text.

    None when the header does not have it; empty when its value is no text at all.
    """
    element = header.get(tag)
    if element is None:
        return None
    return "" if element.vr in _NOT_TEXT else header.text(tag)
