# SPDX-License-Identifier: Apache-2.0
"""Routing rule lines: `(gggg,eeee):REGEX:N t:TARGET r:REPLACEMENT`. They are parsed here, with all
errors of a text at once, and applied to one value. `engine.routing.router` decides which list is
used when."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.anonymize.java_regex.expressions import Match, Pattern, compile_pattern
from engine.anonymize.java_regex.patterns import PatternFault
from engine.model.errors import InvalidInput, Problem

CUT = 64
"""Characters of the value that a line without `t:` and `r:` looks at."""

LIMIT = 65_536
"""Characters of the value that any line looks at."""

LONGEST_LINE = 4_096

SECONDS = 0.05
"""Time limit of one match. A sound rule takes some millionths of this."""

TIMED_OUT = f"the pattern took longer than {SECONDS * 1000:.0f} ms and was stopped"
CUT_NOTE = f"the value was cut to its first {CUT} characters"

_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
# The shortest REGEX wins, so a `:digits` at its end is always the number of the group.
_BODY = re.compile(r"(.+?)(?::([0-9]+))?(?: t:(.*) r:(.*))?", re.DOTALL)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_SPACE = "".join(map(chr, range(0x21)))
_NAMED_GROUP = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTexts:
    """The rule lines of one scope as written, one text a concept; empty where none are in force."""

    project: str = ""
    subject: str = ""
    session: str = ""
    autoarchive: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleProblem(Problem):
    """One fault of a text of rules, with its place."""

    @property
    def sentence(self) -> str:
        """What is wrong, without the place."""
        return self.message


class InvalidRules(InvalidInput):
    """The text holds malformed rule lines and cannot be saved."""

    def __init__(self, problems: tuple[RuleProblem, ...]) -> None:
        super().__init__(
            "; ".join(f"line {problem.line}: {problem.message}" for problem in problems),
            hint="correct the lines named; none was saved",
        )
        self.problems: tuple[RuleProblem, ...] = problems

    def __reduce__(self) -> tuple[type[InvalidRules], tuple[tuple[RuleProblem, ...]]]:
        # Exceptions are rebuilt from their message when they cross a process; this one is not.
        return InvalidRules, (self.problems,)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleLine:
    """One compiled line."""

    number: int
    """Its line in the text, from 1, blank lines counted."""
    tag: int
    pattern: Pattern
    group: int
    target: Pattern | None = None
    replacement: tuple[str | int, ...] = ()
    """Literal text and numbers of groups of the target, in order."""

    def find(self, text: str) -> tuple[str | None, str]:
        """Extract the candidate from a value; with a note where the result alone says too little.

        None when the value does not match as a whole, or the time limit struck.
        """
        limit = CUT if self.target is None else LIMIT
        note = CUT_NOTE if len(text) > CUT and self.target is None else ""
        try:
            match = self.pattern.fullmatch(text[:limit], timeout=SECONDS)
            found = match.group(self.group) if match else None
            if found is None or self.target is None:
                return found, note
            return self.target.sub(self._expand, found, timeout=SECONDS), note
        except TimeoutError:
            return None, TIMED_OUT

    def _expand(self, match: Match) -> str:
        return "".join(
            piece if isinstance(piece, str) else match.group(piece) or ""
            for piece in self.replacement
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSet:
    """The compiled lines of one text, in order."""

    lines: tuple[RuleLine, ...] = ()

    @property
    def tags(self) -> frozenset[int]:
        """The elements that the lines read."""
        return frozenset(line.tag for line in self.lines)


class _Fault(ValueError):
    def __init__(self, sentence: str, offset: int) -> None:
        super().__init__(sentence)
        self.offset = offset


def parse_rules(text: str) -> RuleSet:
    """Compile a text of rule lines; raises `InvalidRules` with every fault of every line."""
    lines: list[RuleLine] = []
    problems: list[RuleProblem] = []
    for number, written in enumerate(_NEWLINE.split(text), start=1):
        line = written.strip(_SPACE)
        if not line:
            continue
        try:
            lines.append(_parse_line(line, number))
        except _Fault as fault:
            indent = len(written) - len(written.lstrip(_SPACE))
            problems.append(
                RuleProblem(line=number, column=indent + fault.offset + 1, message=str(fault))
            )
    if problems:
        raise InvalidRules(tuple(problems))
    return RuleSet(lines=tuple(lines))


def _parse_line(line: str, number: int) -> RuleLine:
    if len(line) > LONGEST_LINE:
        raise _Fault(f"a rule line may have {LONGEST_LINE:,} characters", LONGEST_LINE)
    tag = _TAG.match(line)
    if tag is None:
        raise _Fault("a rule starts with the tag it reads, such as (0008,1030)", 0)
    start = tag.end() + 1
    if line[tag.end() : start] != ":":
        raise _Fault("after the tag comes “:” and the pattern", tag.end())
    body = _BODY.fullmatch(line, start)
    if body is None:
        raise _Fault("after “:” comes the pattern that the value must match", start)
    pattern = _compile(body[1], start)
    group = _group(body, pattern)
    if body[3] is None:
        return RuleLine(number=number, tag=int(tag[1] + tag[2], 16), pattern=pattern, group=group)
    target = _compile(body[3], body.start(3))
    return RuleLine(
        number=number,
        tag=int(tag[1] + tag[2], 16),
        pattern=pattern,
        group=group,
        target=target,
        replacement=_replacement(body[4], target, body.start(4)),
    )


def _compile(text: str, start: int) -> Pattern:
    try:
        return compile_pattern(text)
    except PatternFault as fault:
        raise _Fault(f"the pattern is not valid: {fault.reason}", start + fault.offset) from None


def _group(body: re.Match[str], pattern: Pattern) -> int:
    if body[2] is None:
        if pattern.groups == 0:
            raise _Fault(
                "the pattern captures nothing: put ( ) around the part to use, or end it with :0",
                body.end(1),
            )
        return 1
    if len(body[2]) > 9 or int(body[2]) > pattern.groups:
        raise _Fault(
            f"“:{body[2][:9]}” at the end names a group, and the pattern has {pattern.groups}; "
            "a pattern that itself ends so is written [:] before the digits",
            body.start(2) - 1,
        )
    return int(body[2])


def _replacement(text: str, target: Pattern, start: int) -> tuple[str | int, ...]:
    """Read a replacement of the Java flavour: `$1`, `${name}`, and `\\` before a literal."""
    pieces: list[str | int] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            if at + 1 == len(text):
                raise _Fault("a “\\” at the end of the replacement escapes nothing", start + at)
            pieces.append(text[at + 1])
            at += 2
        elif text[at] == "$":
            group, length = _replacement_group(text, at, target, start)
            pieces.append(group)
            at += length
        else:
            pieces.append(text[at])
            at += 1
    return tuple(pieces)


def _replacement_group(text: str, at: int, target: Pattern, start: int) -> tuple[int, int]:
    if name := _NAMED_GROUP.match(text, at + 1):
        if name[1] not in target.names:
            raise _Fault(f"the target has no group named “{name[1]}”", start + at)
        return target.names[name[1]], len(name[0]) + 1
    if not (text[at + 1 : at + 2].isascii() and text[at + 1 : at + 2].isdigit()):
        raise _Fault("“$” starts a group such as $1; a plain dollar is written \\$", start + at)
    end = at + 2
    # Further digits belong to the number only while there is such a group.
    while (
        text[end : end + 1].isascii()
        and text[end : end + 1].isdigit()
        and int(text[at + 1 : end + 1]) <= target.groups
    ):
        end += 1
    group = int(text[at + 1 : end])
    if group > target.groups:
        raise _Fault(f"“${group}”: the target has {target.groups} groups", start + at)
    return group, end - at
