# SPDX-License-Identifier: Apache-2.0
"""Turns scripts of version 4.2 into version 6. The older language reads everything from the object
as it came and lets the first statement for an element win; so the statements are written in reverse
order, and what a statement reads after another one has changed it is put into variables first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.anonymize.language import check
from engine.anonymize.language.lexer import State, TokenKind, tokens
from engine.anonymize.language.parser import language_of
from engine.anonymize.language.tree import (
    Action,
    Assign,
    CallValue,
    Condition,
    Delete,
    Describe,
    Echo,
    Export,
    Guarded,
    Position,
    SetVariable,
    Statement,
    TagPattern,
    Text,
)
from engine.anonymize.language.values42 import Cannot, Turned, Values, quoted, tag_of
from engine.dicom.dictionary import vr_of
from engine.model.errors import InvalidInput
from engine.model.remarks import Remark, Severity
from engine.model.scripts import MigratedScript

_VERSION = 'version "6.7"'
_HEAD = "// Turned from version 4.2. In version 6 the last statement for an element wins, so the"
_HEAD_2 = "// statements stand in reverse order."
_CHARACTER_SET = TagPattern(at=Position(line=0, column=0), group="0008", element="0005")
_ALL_PRIVATE = f"({'X' * 3}#,XXXX)"
_EVEN, _ODD = frozenset("02468ACE@"), frozenset("13579BDF#")


def migrate(text: str) -> MigratedScript:
    """Turn a script, as far as that is possible.

    Raises:
        InvalidInput: it is one of version 6 already.
        InvalidScript: it has faults.
    """
    if language_of(text) == 6:
        raise InvalidInput("the script is one of version 6 already")
    script = check.load(text)
    turned = _Migration(text, script.statements).run()
    faults = [one for one in check.check(turned.text) if one.severity is Severity.ERROR]
    if not faults:
        return turned
    told = tuple(
        Remark(message=f"line {one.line} of the new script: {one.message}", line=1, column=1)
        for one in faults
    )
    return MigratedScript(text=turned.text, remarks=(*turned.remarks, *told))


@dataclass(kw_only=True, slots=True)
class _Piece:
    """One statement that can be turned."""

    at: Position
    conditions: list[str] = field(default_factory=list)
    target: str = ""
    """What is assigned to; empty where `action` says it all."""
    operator: str = ":="
    value: Turned | None = None
    action: str = ""
    reads: list[TagPattern] = field(default_factory=list)
    writes: TagPattern | None = None


class _Migration:
    def __init__(self, text: str, statements: Sequence[Statement]) -> None:
        self._lines = text.splitlines()
        self._statements = statements
        self._remarks: list[Remark] = []
        declared = {one.name: one.value for one in statements if isinstance(one, SetVariable)}
        self._values = Values(declared, self._warn)
        self._comments, self._left = _comments(self._lines)
        self._names = set(declared)

    def run(self) -> MigratedScript:
        """Turn all statements."""
        first: list[str] = []
        """What is read from the object as it came, before anything changes."""
        body: list[str] = []
        written: list[TagPattern] = []
        echoes: list[str] = []
        for one in reversed(self._statements):
            said = self._comments.get(one.at.line, [])
            try:
                piece = self._piece(one)
            except Cannot as error:
                self._remark(error.message, one.at, Severity.ERROR)
                old = self._lines[one.at.line - 1].strip().rstrip("\\")
                body += [*said, f"// cannot be turned: {error.message}", f"// {old}"]
                continue
            if piece is None:
                continue
            if isinstance(_action(one), Echo):
                echoes = [*said, *_within(piece.conditions, _written(piece)), *echoes]
                continue
            reads = [*piece.reads, *([_CHARACTER_SET] if piece.reads else [])]
            if any(_meets(read, write) for read in reads for write in written):
                kept, lines = self._kept(piece)
                first = [*kept, *first]
            else:
                lines = _within(piece.conditions, _written(piece))
            body += [*said, *lines]
            if piece.writes is not None:
                written.append(piece.writes)
        lines = [_VERSION, _HEAD, _HEAD_2, *self._declarations(), *first, *echoes, *body]
        text = "\n".join([*lines, *self._left]) + "\n"
        ordered = sorted(dict.fromkeys(self._remarks), key=lambda one: (one.line, one.column))
        return MigratedScript(text=text, remarks=tuple(ordered))

    def _declarations(self) -> list[str]:
        made = []
        for one in self._statements:
            said = self._comments.get(one.at.line, [])
            match one:
                case SetVariable(name=name, value=value):
                    if name in check.HOST:
                        self._remark(
                            f"“{name}” is given to every script; 4.2 ignores what stands here",
                            one.at,
                            Severity.WARNING,
                        )
                    elif self._values.stays(name):
                        made += [*said, f"{name} := {self._values.value(value).text}"]
                case Describe(name=name, text=text, word=word):
                    if name not in self._names or self._values.stays(name):
                        told = word if text is None else self._text(text, one.at)
                        if told:
                            made += [*said, f"describe {name} {told}"]
                case Export(name=name, field=exported):
                    if told := self._text(exported, one.at):
                        made += [*said, f"export {name} {told}"]
                case _:
                    pass
        return made

    def _text(self, text: str, at: Position) -> str:
        try:
            return quoted(Text(at=at, value=text))
        except Cannot as error:
            self._remark(error.message, at, Severity.ERROR)
            return ""

    def _piece(self, statement: Statement) -> _Piece | None:
        if isinstance(statement, SetVariable | Describe | Export):
            return None
        piece = _Piece(at=statement.at)
        conditions: tuple[Condition, ...] = ()
        action = _action(statement)
        if isinstance(statement, Guarded):
            conditions = statement.conditions
        for one in conditions:
            if isinstance(one, CallValue):
                raise Cannot("a call is no condition of 4.2")
            found, reads = self._values.condition(one)
            piece.conditions += found
            piece.reads += reads
        match action:
            case Assign(path=path, value=value):
                tag = tag_of(path)
                self._public(tag, statement.at)
                if tag.exact and vr_of(int(tag.group + tag.element, 16)) == "UN":
                    self._warn("what no dictionary knows is LO in 4.2, UN in version 6", path.at)
                piece.target, piece.writes = _even(tag), tag
                piece.operator = ":=" if tag.exact else "?="
                piece.value = self._values.value(value, target=path)
                piece.reads += piece.value.reads
            case Delete(path=path):
                tag = tag_of(path)
                if str(tag) == _ALL_PRIVATE:
                    self._warn("removeAllPrivateTags removes those in sequences, too", path.at)
                    piece.action = "removeAllPrivateTags"
                else:
                    self._public(tag, statement.at)
                    piece.action = f"- {_even(tag)}"
                piece.writes = tag
            case Echo(value=None):
                piece.action = 'echo ""'
            case Echo(value=value):
                assert value is not None
                turned = self._values.value(value)
                piece.action = f"echo {turned.text}"
                piece.conditions += turned.needs if not turned.bare else ()
            case _:
                raise Cannot("version 6 has nothing for it")
        return piece

    def _public(self, tag: TagPattern, at: Position) -> None:
        if tag.private:
            raise Cannot(
                "version 6 names private elements by their creator, as in (0009,{CREATOR}02), and "
                "the number does not tell it"
            )
        if tag.group[-1] == "X":
            self._warn("version 6 means only public groups by number: private ones stay", at)

    def _kept(self, piece: _Piece) -> tuple[list[str], list[str]]:
        """Return lines that read what a statement needs into variables, and those that act."""
        kept: list[str] = []
        within: list[str] = []
        condition, value = "", piece.value
        if piece.conditions:
            condition = self._new_name("applies")
            kept.append(f'{condition} := "no"')
            within.append(f'{condition} := "yes"')
        action = piece.action
        if value is not None:
            name = self._new_name("value")
            kept.append(f'{name} := ""')
            within += _within(value.needs, [f"{name} := {value.text}"])
            action = f"{piece.target} {piece.operator} {name}"
        kept += _within(piece.conditions, within)
        return kept, _within([f'{condition} = "yes"'] if condition else [], [action])

    def _new_name(self, what: str) -> str:
        number = 1
        while f"{what}{number}" in self._names:
            number += 1
        self._names.add(f"{what}{number}")
        return f"{what}{number}"

    def _warn(self, message: str, at: Position) -> None:
        self._remark(message, at, Severity.WARNING)

    def _remark(self, message: str, at: Position, severity: Severity) -> None:
        self._remarks.append(
            Remark(message=message, line=at.line, column=at.column, severity=severity)
        )


def _action(statement: Statement) -> Statement | Action:
    return statement.action if isinstance(statement, Guarded) else statement


def _written(piece: _Piece) -> list[str]:
    """Write an action without its conditions; a value that is missing empties the element."""
    if piece.value is None:
        return [piece.action]
    start = f"{piece.target} {piece.operator}"
    return _chosen(piece.value.needs, f"{start} {piece.value.text}", f'{start} ""')


def _even(tag: TagPattern) -> str:
    """Write a tag; of public and private groups only the public ones."""
    return str(replace(tag, group=tag.group[:-1] + "@") if tag.group[-1] == "X" else tag)


def _chosen(needs: Sequence[str], then: str, otherwise: str) -> list[str]:
    if not needs:
        return [then]
    first, *more = needs
    if not more:
        return [f"{first} ? {then} : {otherwise}"]
    inner = _chosen(more, then, otherwise)
    return [
        f"if ({first}) {{",
        *_indented(inner),
        "} else {",
        *_indented([otherwise]),
        "}",
    ]


def _within(conditions: Sequence[str], lines: list[str]) -> list[str]:
    """Put lines under conditions, all of which have to hold."""
    if len(conditions) == 1 and len(lines) == 1 and _may_follow(lines[0]):
        return [f"{conditions[0]} ? {lines[0]}"]
    for one in reversed(conditions):
        lines = [f"if ({one}) {{", *_indented(lines), "}"]
    return lines


def _may_follow(line: str) -> bool:
    """Whether a line may stand behind a question mark."""
    return " ? " not in line and line != "removeAllPrivateTags"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _meets(one: TagPattern, other: TagPattern) -> bool:
    """Whether an element can match both."""
    return all(
        _alike(a, b)
        for a, b in zip(one.group + one.element, other.group + other.element, strict=True)
    )


def _alike(a: str, b: str) -> bool:
    if a == b or "X" in (a, b):
        return True
    for digits in (_EVEN, _ODD):
        if a in digits and b in digits:
            return "@" in (a, b) or "#" in (a, b)
    return False


def _comments(lines: Sequence[str]) -> tuple[dict[int, list[str]], list[str]]:
    """Return comments by the line of the statement that they stand before, or behind; and those at
    the end."""
    by_line: dict[int, list[str]] = {}
    pending: list[str] = []
    state = State.PLAIN
    for number, line in enumerate(lines, 1):
        found, state = tokens(line, state, language=4)
        pending += [one.text.strip().rstrip("\\") for one in found if one.kind is TokenKind.COMMENT]
        left_out = (TokenKind.COMMENT, TokenKind.BLANK, TokenKind.NEWLINE)
        if any(one.kind not in left_out for one in found):
            by_line[number], pending = pending, []
    return by_line, pending
