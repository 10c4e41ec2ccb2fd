# SPDX-License-Identifier: Apache-2.0
"""Routes one header, with or without a trace. Both variants make the same decisions; the traced one
also records what every extractor read and why it won or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.dicom.dictionary import format_tag
from engine.dicom.header import Header
from engine.model.routing import Concept, TraceStep, Verdict
from engine.routing.extractors import ExtractionPlan, Extractor, text_of
from engine.routing.labels import names_something
from engine.routing.rules import TIMED_OUT

SEEN = 256
"""Characters of an element that a trace keeps."""

_TAIL = 0x7FE0_0000
_BEHIND_PIXELS = "the element lies behind the pixel data, where routing does not look"
_NO_LINES = "no lines are in force"
_PASSED_OVER = "the request allows to go on by the header"
_NO_LABEL = "no letter or digit is left for a label"
_LABELS = frozenset((Concept.SUBJECT, Concept.SESSION))
"""What becomes a label."""


class Inquiry:
    """Asks extractors in order and stops at the first that wins."""

    __slots__ = ("_header", "_plan", "_projects", "_texts", "_timeouts", "timed_out")

    def __init__(
        self,
        header: Header,
        projects: Mapping[str, str],
        timeouts: Counter[str],
        plan: ExtractionPlan,
    ) -> None:
        self._header = header
        self._projects = projects
        self._timeouts = timeouts
        self._plan = plan
        self._texts: dict[int, str | None] = {}
        self.timed_out = False
        """Whether a rule had no time to answer: asked again, it may."""

    @property
    def steps(self) -> Sequence[TraceStep]:
        """Return what was written down so far; nothing here."""
        return ()

    def ask(
        self, concept: Concept, extractors: tuple[Extractor, ...], given: str | None
    ) -> str | None:
        """Return the value that the request settled, else the first candidate that stands."""
        if given is not None:
            return given
        known = self._projects if concept is Concept.PROJECT else None
        for extractor in extractors:
            text = self._text(extractor.tag)
            if not text:
                continue
            found, note = extractor.find(text)
            if found is None:
                if note is TIMED_OUT:
                    self._time_out(extractor)
            elif _blank(concept, found) is None and (known is None or found in known):
                return found
        return None

    def passed_over(self, concept: Concept, given: str) -> None:
        """Note that the request gave a project that is none."""

    def remark(self, concept: Concept, note: str) -> None:
        """Add a sentence to the step that won."""

    def close(self, concept: Concept, default: str | None) -> None:
        """Note that the concept fell back to a default; None where it did not."""

    def _time_out(self, extractor: Extractor) -> None:
        self.timed_out = True
        self._timeouts[extractor.name] += 1

    def _text(self, tag: int) -> str | None:
        texts = self._texts
        if tag not in texts:
            texts[tag] = text_of(self._header, tag)
        return texts[tag]


class TracedInquiry(Inquiry):
    """Asks likewise, and writes one step for every extractor."""

    __slots__ = ("_steps",)

    def __init__(
        self,
        header: Header,
        projects: Mapping[str, str],
        timeouts: Counter[str],
        plan: ExtractionPlan,
    ) -> None:
        super().__init__(header, projects, timeouts, plan)
        self._steps: list[TraceStep] = []

    @property
    def steps(self) -> Sequence[TraceStep]:
        """Return what was written down so far."""
        return self._steps

    def ask(
        self, concept: Concept, extractors: tuple[Extractor, ...], given: str | None
    ) -> str | None:
        """Return the winner, having written down every extractor, the ones not asked as well."""
        winner = given
        if given is not None:
            self._write(concept, "request", found=given, verdict=Verdict.WON)
        for extractor in self._plan.told[concept]:
            if isinstance(extractor, str):
                self._write(concept, extractor, verdict=Verdict.ABSENT, note=_NO_LINES)
                continue
            element = format_tag(extractor.tag)
            if winner is not None:
                self._write(concept, extractor.name, element, verdict=Verdict.NOT_ASKED)
                continue
            text = self._text(extractor.tag)
            found, note, verdict = self._judge(extractor, text)
            if verdict is Verdict.WON:
                winner = found
            self._write(
                concept, extractor.name, element, saw=text, found=found, verdict=verdict, note=note
            )
        return winner

    def passed_over(self, concept: Concept, given: str) -> None:
        """Write the request's step, which lost."""
        self._write(
            concept, "request", found=given, verdict=Verdict.NOT_A_PROJECT, note=_PASSED_OVER
        )

    def remark(self, concept: Concept, note: str) -> None:
        """Add a sentence to the step that won."""
        for index, step in enumerate(self._steps):
            if step.concept is concept and step.verdict is Verdict.WON:
                self._steps[index] = replace(
                    step, note=f"{step.note}; {note}" if step.note else note
                )

    def close(self, concept: Concept, default: str | None) -> None:
        """Write the step of the default, whether it was needed or not."""
        verdict = Verdict.NOT_ASKED if default is None else Verdict.WON
        self._write(concept, "default", found=default, verdict=verdict)

    def _judge(self, extractor: Extractor, text: str | None) -> tuple[str | None, str, Verdict]:
        if text is None:
            behind = extractor.tag >= _TAIL
            return None, _BEHIND_PIXELS if behind else "", Verdict.ABSENT
        if not text:
            return None, "", Verdict.BLANK
        found, note = extractor.find(text)
        if found is None:
            if note is TIMED_OUT:
                self._time_out(extractor)
            return None, note, Verdict.NO_MATCH
        blank = _blank(extractor.concept, found)
        if blank is not None:
            return found, note or blank, Verdict.BLANK
        if extractor.concept is Concept.PROJECT and found not in self._projects:
            return found, note, Verdict.NOT_A_PROJECT
        return found, note, Verdict.WON

    def _write(
        self,
        concept: Concept,
        extractor: str,
        element: str = "",
        *,
        saw: str | None = None,
        found: str | None = None,
        verdict: Verdict,
        note: str = "",
    ) -> None:
        self._steps.append(
            TraceStep(
                concept=concept,
                extractor=extractor,
                element=element,
                saw="" if saw is None else saw if len(saw) <= SEEN else saw[:SEEN] + "…",
                found=found,
                verdict=verdict,
                note=note,
            )
        )


def _blank(concept: Concept, found: str) -> str | None:
    """Return a note about a candidate that counts as no answer; None for one that counts."""
    if not found or found.isspace():
        return ""
    return _NO_LABEL if concept in _LABELS and not names_something(found) else None
