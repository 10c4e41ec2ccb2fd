# SPDX-License-Identifier: Apache-2.0
"""The syntax tree of a script: statements, conditions, values and paths, each with its position in
the original text. Both languages (6 and 4.2) share it; `Script.language` tells them apart. Nothing
here parses text or uses an object.

A tag path has two meanings: as an argument of a function or an element of a list it is the path
itself, elsewhere it is the value found there. The tree has a `PathValue` for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

WILDCARDS = frozenset("X@#")


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A position in the original text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """Anything that stands somewhere. Two nodes that say the same are equal wherever they stand."""

    at: Position = field(compare=False)


# ------------------------------------------------------------------------------------------ paths


@dataclass(frozen=True, kw_only=True, slots=True)
class TagPattern(Node):
    """A tag whose digits may be wildcards: `X` any digit, `@` an even one, `#` an odd one."""

    group: str
    """Four digits, upper case."""
    element: str
    """Four digits, upper case; only the low two when there is a creator."""
    creator: str | None = None
    """Name in braces of a private tag. In 4.2 a private tag has its real number and no creator."""

    @property
    def exact(self) -> bool:
        """Say whether no digit is a wildcard."""
        return not WILDCARDS.intersection(self.group + self.element)

    @property
    def private(self) -> bool:
        """Say whether the group is odd."""
        return self.group[-1] in "13579BDF#"

    def __str__(self) -> str:
        inside = f"{{{self.creator}}}" if self.creator is not None else ""
        return f"({self.group},{inside}{self.element})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Which item of a sequence: a number from 0, or `None` for any (`[%]`)."""

    number: int | None

    def __str__(self) -> str:
        return f"[{'%' if self.number is None else self.number}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class TagStep(Node):
    """A step of a path that names a tag. Without an item a step that is not the last means all."""

    tag: TagPattern
    item: Item | None = None

    def __str__(self) -> str:
        return f"{self.tag}{self.item if self.item is not None else ''}"


class Levels(Enum):
    """How many levels of sequences a wildcard step stands for."""

    ANY = "*"
    """None or more."""
    SOME = "+"
    """One or more."""
    ONE = "."
    """Exactly one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelStep(Node):
    """A step of a path that stands for levels of sequences, whatever they are called."""

    levels: Levels

    def __str__(self) -> str:
        return self.levels.value


Step: TypeAlias = TagStep | LevelStep


@dataclass(frozen=True, kw_only=True, slots=True)
class TagPath(Node):
    """Steps from the root of an object down to elements. Never empty."""

    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        """Return the last step."""
        return self.steps[-1]

    @property
    def private(self) -> bool:
        """Say whether the last step names a private tag."""
        return isinstance(self.last, TagStep) and self.last.tag.private

    @property
    def singular(self) -> bool:
        """Say whether the path can denote at most one element."""
        *above, last = self.steps
        return all(_numbered(step) for step in above) and (
            _numbered(last) or (isinstance(last, TagStep) and last.tag.exact and last.item is None)
        )

    def __str__(self) -> str:
        return "/".join(str(step) for step in self.steps)


def _numbered(step: Step) -> bool:
    """Say whether a step can denote at most one item."""
    if not isinstance(step, TagStep) or step.item is None:
        return False
    return step.tag.exact and step.item.number is not None


# ----------------------------------------------------------------------------------------- values


@dataclass(frozen=True, kw_only=True, slots=True)
class Text(Node):
    """A string. Escapes are resolved: `value` is what the script means."""

    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Number(Node):
    """A number. It is only its text; there is no arithmetic."""

    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PathValue(Node):
    """A tag path where a value stands: see the top of this module."""

    path: TagPath


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableRead(Node):
    """A variable that is read. Names of 4.2 are in lower case here, as they ignore case."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CallValue(Node):
    """A function that is called, for its result or for what it does."""

    name: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListValue(Node):
    """A list in braces. Version 6 only."""

    elements: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated(Node):
    """`new UID` or `new ID[...]`: a fresh value, the same for the same old value. 4.2 only."""

    kind: str
    """`UID`, `ID` or another name as it is written."""
    arguments: tuple[Value, ...] = ()


Value: TypeAlias = Text | Number | PathValue | VariableRead | CallValue | ListValue | Generated


# ------------------------------------------------------------------------------------- conditions


class Operator(Enum):
    """How two texts are compared. 4.2 has only `=` and `~`."""

    EQUAL = "="
    DIFFERENT = "!="
    MATCHES = "~"
    MATCHES_NOT = "!~"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison(Node):
    """Two values that are compared."""

    left: Value
    operator: Operator
    right: Value


Condition: TypeAlias = Comparison | CallValue


# ------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, kw_only=True, slots=True)
class Assign(Node):
    """`path := value`."""

    path: TagPath
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class AssignIfExists(Node):
    """`path ?= value`."""

    path: TagPath
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class SetVariable(Node):
    """`name := value`. In 4.2 a declaration: it counts wherever it stands."""

    name: str
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete(Node):
    """`- path`."""

    path: TagPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Node):
    """A function called for what it does; its result is ignored."""

    call: CallValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo(Node):
    """`echo value`; without a value an empty line."""

    value: Value | None = None


Action: TypeAlias = Assign | AssignIfExists | SetVariable | Delete | Call | Echo


@dataclass(frozen=True, kw_only=True, slots=True)
class Ternary(Node):
    """`condition ? action : action`. The second may be missing."""

    condition: Condition
    then: Action
    otherwise: Action | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm(Node):
    """One `if` or `elseif` with its block."""

    condition: Condition
    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class If(Node):
    """Arms that are tried in order; the first true one runs, else what follows `else`."""

    arms: tuple[Arm, ...]
    otherwise: tuple[Statement, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAllPrivate(Node):
    """`removeAllPrivateTags`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Describe(Node):
    """`describe name "text"` or `describe name hidden`: about a variable, for people."""

    name: str
    text: str | None = None
    """The description; `None` when a word stands in its place."""
    word: str = ""
    """`hidden`, `const` or `immutable`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export(Node):
    """`export name "field"`: which field receives the variable."""

    name: str
    field: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarded(Node):
    """`condition : condition : action`; all must hold. 4.2 only."""

    conditions: tuple[Condition, ...]
    action: Action


Statement: TypeAlias = Action | Ternary | If | RemoveAllPrivate | Describe | Export | Guarded


# ----------------------------------------------------------------------------------------- script


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A whole script."""

    language: int
    """6 or 4."""
    version: str = ""
    """What the version statement says; empty when there is none."""
    statements: tuple[Statement, ...] = ()
    """All but the version statement, in order."""
    external: tuple[VariableRead, ...] = field(default=(), compare=False)
    """First read of each variable that may be read before the script sets it: the host gives it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name the variables that the host has to give."""
        return tuple(read.name for read in self.external)

    @property
    def descriptions(self) -> dict[str, str]:
        """Return the description of each variable that has one."""
        found = (one for one in self.statements if isinstance(one, Describe))
        return {one.name: one.text for one in found if one.text is not None}

    @property
    def hidden(self) -> frozenset[str]:
        """Name the variables that nobody is to be asked for."""
        found = (one for one in self.statements if isinstance(one, Describe))
        return frozenset(one.name for one in found if one.word == "hidden")

    @property
    def exports(self) -> dict[str, str]:
        """Return the field that receives each exported variable."""
        return {one.name: one.field for one in self.statements if isinstance(one, Export)}
