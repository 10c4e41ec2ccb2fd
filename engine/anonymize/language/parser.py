# SPDX-License-Identifier: Apache-2.0
"""Parses a script of either language. The line that starts with `version` selects the language; a
script without one is DicomEdit 4.2. Whether functions exist and values fit is checked in
`engine.anonymize.language.check`."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.anonymize.language import parser6, parser42
from engine.anonymize.language.reader import Reading
from engine.anonymize.language.tree import Script
from engine.anonymize.language.variables import Survey
from engine.model.errors import InvalidScript, Problem

_VERSION = re.compile(r"^\ufeff?[ \t]*version\b", re.MULTILINE)
_NEARLY = re.compile(r"^\ufeff?[ \t]*version\b", re.MULTILINE | re.IGNORECASE)
_ONLY_SIX = re.compile(
    r"\?=|!=|!~|\?|^[ \t]*(?:if|else|elseif)\b|[)\]][ \t]*/|\{|\bremoveAllPrivateTags\b",
    re.MULTILINE,
)
NO_VERSION = (
    "there is no version line, so this counts as DicomEdit 4.2, but it reads as version 6: "
    'start it with: version "6.7"'
)


def parse(text: str) -> Script:
    """Read a script; raises `InvalidScript` with every fault of its text."""
    reading = read(text)
    if reading.problems:
        raise invalid(reading.problems)
    return reading.script


def language_of(text: str) -> int:
    """Say which language decides over a text: 6 or 4."""
    return 6 if _VERSION.search(text) else 4


def read(text: str) -> Reading:
    """Read a script as far as it goes, with every fault of its text."""
    reading = _read(text)
    script = reading.script
    survey = Survey(script.statements, language=script.language)
    return replace(reading, script=replace(script, external=tuple(survey.external.values())))


def _read(text: str) -> Reading:
    if language_of(text) == 6:
        return parser6.read(text)
    reading = parser42.read(text)
    if not reading.problems:
        return reading
    nearly = _NEARLY.search(text)
    if nearly:
        line = text.count("\n", 0, nearly.start()) + 1
        problem = Problem(message="“version” is written in lower case", line=line, column=1)
        return replace(reading, problems=(problem,), whole=False)
    newer = parser6.read(text) if _ONLY_SIX.search(text) else None
    if newer is not None and len(newer.problems) < len(reading.problems):
        missing = Problem(message=NO_VERSION, line=1, column=1)
        # Its own faults are told as well, so that they need no second look.
        return replace(newer, problems=(missing, *newer.problems))
    return reading


def invalid(problems: tuple[Problem, ...]) -> InvalidScript:
    """Make the error that carries the faults of a script."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidScript(
        f"line {first.line}, column {first.column}: {first.message}{more}",
        hint="correct the places named; nothing was saved",
        problems=problems,
    )
