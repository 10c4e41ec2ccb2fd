# SPDX-License-Identifier: Apache-2.0
"""Values and conditions of version 4.2 as version 6 writes them. In 4.2 a function of what is
missing is missing itself; in 6 it is an error: values come with the
conditions under which they are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.anonymize.language.check import HOST
from engine.anonymize.language.lexer import KEYWORDS
from engine.anonymize.language.signatures import FUNCTIONS
from engine.anonymize.language.tree import (
    CallValue,
    Comparison,
    Generated,
    ListValue,
    Number,
    Operator,
    PathValue,
    Position,
    TagPath,
    TagPattern,
    TagStep,
    Text,
    Value,
    VariableRead,
)
from engine.dicom.dictionary import vr_of

Warn = Callable[[str, Position], None]

_PASSES_ON = frozenset({"lowercase", "uppercase", "hashUID", "replace", "substring"})
"""Functions of which a missing first argument is a missing result."""
_MAY_LACK = re.compile(r"\||\)[?*]|\)\{0")
"""What a group of an expression may be left out by."""
_NO_STRING = re.compile('["\x00-\x1f]')


class Cannot(Exception):
    """Version 6 cannot say it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """A value of version 6."""

    text: str
    needs: tuple[str, ...] = ()
    """Conditions without which 4.2 has no value."""
    reads: tuple[TagPattern, ...] = ()
    bare: bool = False
    """Whether it is the value of an element, or a hash of one, as it is: version 6 takes it as
    missing, too, where it is missing."""


class Values:
    """The values of one script."""

    def __init__(self, declared: Mapping[str, Value], warn: Warn) -> None:
        """Know its variables; `warn` is told of what may be different."""
        self._declared = {name: one for name, one in declared.items() if name not in HOST}
        self._warn = warn
        self._names: set[str] = set()

    def stays(self, name: str) -> bool:
        """Whether a variable is one in version 6, too: it depends on no object. Others are written
        out where they are used."""
        if name not in self._declared or name in KEYWORDS or name in FUNCTIONS[6]:
            return False
        return self._is_constant(self._declared[name])

    def value(self, node: Value, *, target: TagPath | None = None) -> Turned:
        """Turn a value, which is to be assigned to `target`."""
        match node:
            case Text():
                return Turned(text=quoted(node))
            case Number(value=text):
                return Turned(text=text)
            case PathValue(path=path):
                return _element(path)
            case VariableRead(name=name):
                if name in self._declared and not self.stays(name):
                    return self.value(self._declared[name], target=target)
                if name in KEYWORDS:
                    raise Cannot(f"“{name}” is a word of version 6")
                return Turned(text=name)
            case CallValue():
                return self._call(node)
            case Generated(kind="UID", arguments=()) if target is not None:
                found = _element(target)
                self._warn("hashUID gives another UID than “new UID” did", node.at)
                return Turned(text=f"hashUID[{found.text}]", needs=found.needs, reads=found.reads)
            case Generated(kind=kind):
                raise Cannot(f"version 6 has no “new {kind}” here")
            case ListValue():
                raise Cannot("4.2 knows no lists")

    def condition(self, node: Comparison) -> tuple[list[str], list[TagPattern]]:
        """Turn a condition into several, all of which have to hold, and say what is read."""
        left, right = self.value(node.left), self.value(node.right)
        needs = [] if left.bare else list(left.needs)
        if node.operator is Operator.EQUAL:
            needs += () if right.bare else right.needs
            if left.needs and right.needs:
                self._warn("two missing values are equal in 4.2, in version 6 not", node.at)
        comparison = f"{left.text} {node.operator.value} {right.text}"
        return [*dict.fromkeys(needs), comparison], [*left.reads, *right.reads]

    def _call(self, node: CallValue) -> Turned:
        if node.name == "urlEncode":
            raise Cannot("version 6 has no urlEncode")
        arguments = [self.value(one) for one in node.arguments]
        reads = tuple(read for one in arguments for read in one.reads)
        text = f"{node.name}[{', '.join(one.text for one in arguments)}]"
        if node.name == "match":
            return self._match(node, arguments[0], reads)
        if node.name == "format":
            for one in arguments:
                if one.needs and not one.bare:
                    raise Cannot("version 6 fills no pattern with functions of what is missing")
            return Turned(text=text, reads=reads)
        if node.name not in _PASSES_ON:
            return Turned(text=text, reads=reads)
        if any(one.needs for one in arguments[1:]):
            raise Cannot(f"what {node.name} does with a missing argument is different in version 6")
        if node.name == "substring" and reads:
            self._warn("substring of a blank text is an error in version 6", node.at)
        first = arguments[0]
        bare = node.name == "hashUID" and first.bare
        return Turned(text=text, needs=first.needs, reads=reads, bare=bare)

    def _match(self, node: CallValue, first: Turned, reads: tuple[TagPattern, ...]) -> Turned:
        _, expression, group = node.arguments
        if not isinstance(expression, Text):
            raise Cannot("of match only an expression that is written out can be turned")
        if not isinstance(group, Number | Text):
            raise Cannot("only a written group can be turned")
        if _MAY_LACK.search(expression.value):
            self._warn("a group that has no part in the match is told as missing", node.at)
        whole = quoted(Text(at=expression.at, value=f"^(?:{expression.value})$"))
        needs = () if first.bare else first.needs
        return Turned(
            text=f"match[{first.text}, {whole}, {group.value}]",
            needs=(*needs, f"{first.text} ~ {quoted(expression)}"),
            reads=reads,
        )

    def _is_constant(self, node: Value) -> bool:
        match node:
            case Text() | Number():
                return True
            case VariableRead(name=name):
                return name not in self._declared or self.stays(name)
            case CallValue(name=name, arguments=arguments):
                return name in ("lowercase", "uppercase", "replace", "format") and all(
                    self._is_constant(one) for one in arguments
                )
            case _:
                return False


def quoted(node: Text) -> str:
    """Write a string of version 6.

    Raises:
        Cannot: it holds what no string of version 6 can.
    """
    if _NO_STRING.search(node.value):
        raise Cannot("no string of version 6 holds double quotes, line breaks or tabs")
    return '"' + node.value.replace("\\", "\\\\") + '"'


def tag_of(path: TagPath) -> TagPattern:
    """Return the tag of a path of 4.2, which has no others."""
    step = path.last
    assert isinstance(step, TagStep)
    return step.tag


def _element(path: TagPath) -> Turned:
    tag = tag_of(path)
    if tag.private:
        raise Cannot("version 6 names private elements by their creator, which is not known here")
    if tag.exact and vr_of(int(tag.group + tag.element, 16)) == "SQ":
        raise Cannot("a sequence has no value")
    return Turned(text=str(path), needs=(f"isPresent[{path}]",), reads=(tag,), bare=True)
