# SPDX-License-Identifier: Apache-2.0
"""The settings file, `anteroom.yaml`. Reading reports all errors at once, each with line, column
and what was expected; writing creates the file once, with all comments. YAML nodes are read rather
than values, because only nodes have positions. The settings are defined in `settings`."""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import re
import textwrap
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import yaml

from engine.model.errors import Conflict, InvalidSettings, NotFound, Problem
from engine.model.expectations import rule_of
from engine.model.settings import Settings

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,17}(\.[0-9]{0,17})?")
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)")
_PASSWORD_ARGUMENT = re.compile(r"([?&][^=&\s]*password=)[^&\s]*", re.IGNORECASE)
_NULL = "tag:yaml.org,2002:null"
_WIDTH = 90

_HEADING = """\
# The settings of this Anteroom. They are read when the engine starts.
#
# A line that begins with "#" and a name shows the default of that setting: take the "#" away to
# change it. Every fault in this file is told with its line when the engine starts.
"""


def load(path: Path) -> Settings:
    """Read a settings file; relative paths in it start at its folder.

    Raises:
        NotFound: there is no such file.
        InvalidSettings: it is wrong; `problems` holds every fault, in the order of the lines.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"there is no settings file {path}", hint="run: anteroom --home DIR init"
        ) from None
    except OSError as error:
        problem = Problem(path=str(path), message=f"cannot be read: {error.strerror}")
        raise _invalid([problem]) from error
    settings, problems = parse(content, path)
    if problems:
        raise _invalid(problems)
    return settings.resolved(path.parent.absolute())


def parse(content: bytes, path: Path) -> tuple[Settings, list[Problem]]:
    """Read settings and all faults; what is faulty keeps its default. `path` is for messages."""
    reading = _Reading(str(path))
    node = reading.compose(content)
    settings = Settings() if node is None else reading.section(Settings, node, "")
    for name, message in settings.clashes():
        reading.fault(reading.places.get(name), message)
    return settings, sorted(reading.problems, key=lambda problem: (problem.line, problem.column))


def write_default(path: Path) -> None:
    """Write a settings file that changes nothing and explains everything.

    Raises:
        Conflict: there is a file already.
    """
    try:
        # It may come to hold the password of a database.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Conflict(
            f"there is a settings file {path} already", hint="move it away first"
        ) from None
    with open(handle, "w", encoding="utf-8") as file:
        file.write(default_text())
        file.flush()
        os.fsync(file.fileno())


def default_text() -> str:
    """Return the commented settings file, made from the settings' own words."""
    blocks = [_HEADING]
    for part in fields(Settings):
        value = default_of(part)
        if is_dataclass(value):
            summary = inspect.getdoc(type(value)) or ""
            lines = [f"# {summary}", f"{part.name}:"]
            words = meanings(type(value))
            for key in fields(value):
                lines += ["", *_entry(key, words, "  ")] if key.name in words else []
            blocks.append("\n".join(lines) + "\n")
        else:
            blocks.append("\n".join(_entry(part, meanings(Settings), "")) + "\n")
    return "\n".join(blocks)


class _Reading:
    """One pass over a file: the faults found so far, and where each setting stands."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.places: dict[str, yaml.Node] = {}

    def compose(self, content: bytes) -> yaml.Node | None:
        """Return the tree of the text; None when it is empty or no YAML."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._fault_at(content[: error.start].decode("utf-8-sig"), "not UTF-8 text")
            return None
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            self._fault_at(text[: error.position], "a control character, which YAML does not allow")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            said = ", ".join(part for part in (error.context, error.problem) if part)
            self._add(line, column, f"not YAML: {said}")
        except RecursionError:
            self._add(1, 1, "nested too deeply")
        return None

    def section(self, kind: type[Any], node: yaml.Node, prefix: str) -> Any:
        """Read a mapping into a settings class; an empty one is all defaults."""
        if node.tag == _NULL:
            return kind()
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, "expected settings of the form 'name: value', one on a line")
            return kind()
        known = {part.name: part for part in fields(kind)}
        given: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, "expected the name of a setting")
                continue
            key = key_node.value
            if key in seen:
                self.fault(key_node, f"{key} is given twice, first on line {seen[key]}")
                continue
            seen[key] = key_node.start_mark.line + 1
            if key not in known:
                self.fault(key_node, _unknown(key, kind, prefix))
                continue
            name = f"{prefix}{key}"
            self.places[name] = value_node
            default = default_of(known[key])
            if is_dataclass(default):
                given[key] = self.section(type(default), value_node, f"{name}.")
                continue
            value = self._value(kind, key, value_node)
            if value is not MISSING:
                given[key] = value
        return kind(**given)

    def fault(self, node: yaml.Node | None, message: str) -> None:
        """Note a fault at a node."""
        if node is None:
            self._add(0, 0, message)
        else:
            self._add(node.start_mark.line + 1, node.start_mark.column + 1, message)

    def _value(self, kind: type[Any], key: str, node: yaml.Node) -> Any:
        """Read one value, or note what is wrong with it and give MISSING."""
        hint = get_type_hints(kind, include_extras=True)[key]
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if node.tag == _NULL and isinstance(node, yaml.ScalarNode) and not node.style:
            self.fault(node, f"{key} has no value: give one, or remove the line for the default")
            return MISSING
        value = self._items(key, plain, node) if get_origin(plain) is tuple else None
        if value is None:
            value = self._scalar(key, plain, node)
        if value is MISSING:
            return MISSING
        rule = rule_of(kind, key)
        if rule is not None and not rule.holds(value):
            self.fault(node, f"{key}: expected {rule.words}")
            return MISSING
        return value

    def _items(self, key: str, kind: Any, node: yaml.Node) -> Any:
        """Read a list of words, each once; one of names may be empty, one of given words not."""
        word = get_args(kind)[0]
        given = issubclass(word, StrEnum)
        if not isinstance(node, yaml.SequenceNode) or (given and not node.value):
            such = ", ".join(word) if given else "one, other"
            self.fault(node, f"{key}: expected a list such as [{such}]")
            return MISSING
        items = [self._scalar(key, word, item) for item in node.value]
        for position, (item, item_node) in enumerate(zip(items, node.value, strict=True)):
            if item is not MISSING and item in items[:position]:
                self.fault(item_node, f"{key}: {item} is given twice")
                return MISSING
        return MISSING if MISSING in items else tuple(items)

    def _scalar(self, key: str, kind: Any, node: yaml.Node) -> Any:
        """Read one word or number as written: YAML's own guesses (NO is false) are not asked."""
        expected = _expected(kind)
        if isinstance(node, yaml.ScalarNode):
            text: str = node.value
            if issubclass(kind, StrEnum):
                if text in {member.value for member in kind}:
                    return kind(text)
                expected += _meant(text, [member.value for member in kind])
            elif kind is str:
                return text
            elif kind is Path and text and text.isprintable():
                with suppress(RuntimeError):
                    return Path(text).expanduser()
                expected += "; there is no such user"
            elif not node.style and (value := _number(kind, text)) is not None:
                return value
            elif node.style and _number(kind, text) is not None:
                expected += ", without quotes"
        self.fault(node, f"{key}: expected {expected}")
        return MISSING

    def _fault_at(self, before: str, message: str) -> None:
        line = before.count("\n") + 1
        self._add(line, len(before) - before.rfind("\n"), message)

    def _add(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path=self.path, line=line, column=column, message=message))


def _invalid(problems: list[Problem]) -> InvalidSettings:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidSettings(
        f"the settings are wrong: {first}{more}",
        hint="correct the file and start again",
        problems=tuple(problems),
    )


def _number(kind: Any, text: str) -> bool | int | float | None:
    """Read a number or a yes or no; None when it is none."""
    if kind is bool:
        return _TRUTH.get(text.lower())
    if kind is int and _INTEGER.fullmatch(text):
        return int(text)
    if kind is float and _DECIMAL.fullmatch(text):
        return float(text)
    return None


def _expected(kind: Any) -> str:
    """Say in words what a type takes."""
    if issubclass(kind, StrEnum):
        return "one of " + ", ".join(member.value or '""' for member in kind)
    words = {bool: "true or false", int: "a whole number", float: "a number of seconds"}
    return words.get(kind, "a path" if kind is Path else "a text")


def _unknown(key: str, kind: type[Any], prefix: str) -> str:
    """Say that a name is not known, and which was perhaps meant."""
    message = f"there is no setting {prefix}{key}"
    own = [part.name for part in fields(kind)]
    if meant := _meant(key, own):
        return message + meant
    for part in fields(Settings):
        if is_dataclass(value := default_of(part)) and key in {each.name for each in fields(value)}:
            return f"{message}; {key} belongs under {part.name}"
    return f"{message}; expected one of {', '.join(own)}"


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def default_of(part: Field[Any]) -> Any:
    """Return the default of a setting."""
    return part.default_factory() if part.default_factory is not MISSING else part.default


def meanings(kind: type) -> dict[str, str]:
    """Return the docstrings under the fields of a class; Python itself forgets them."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    words: dict[str, str] = {}
    for statement, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            words[statement.target.id] = " ".join(str(after.value.value).split())
    return words


def _entry(part: Field[Any], words: dict[str, str], indent: str) -> list[str]:
    """Return the lines of one setting: its words, and its default as a comment."""
    lines = textwrap.wrap(words[part.name], width=_WIDTH - len(indent))
    return [
        *(f"{indent}# {line}" for line in lines),
        f"{indent}#{part.name}: {written(default_of(part))}",
    ]


def takes(kind: type, key: str) -> str:
    """Say in words what values a setting of a section takes."""
    rule = rule_of(kind, key)
    if rule is not None:
        return rule.words
    hint = get_type_hints(kind)[key]
    if get_origin(hint) is not tuple:
        return _expected(hint)
    word = get_args(hint)[0]
    such = ", ".join(word) if issubclass(word, StrEnum) else "one, other"
    return f"a list such as [{such}]"


def without_passwords(text: str) -> str:
    """Return a value as it may be told: with `***` for the passwords of a URL."""
    return _PASSWORD_ARGUMENT.sub(r"\1***", _PASSWORD.sub(r"\1***", text))


def written(value: object) -> str:
    """Return a value as the file has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or '""'
