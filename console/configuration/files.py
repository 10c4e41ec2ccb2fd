# SPDX-License-Identifier: Apache-2.0
"""The files of a configuration: written so that the same things give the same bytes, and read with
the line of every value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from console.configuration.kinds import Kind, Value, Values
from engine.model.errors import NotFound, Problem, Unavailable

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_HEADING = "# The {name} of an Anteroom: what is not named here has its default.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands."""

    path: str
    line: int
    column: int
    block: bool = False
    """Whether it is a text of several lines that begins on the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a file says of one thing."""

    values: Values
    place: Place
    places: Mapping[str, Place]

    def place_of(self, field: str, line: int = 0) -> Place:
        """Return where a value stands, or a line of it."""
        found = self.places.get(field, self.place)
        if not line:
            return found
        # A quoted text has all of its lines where it begins.
        there = found.line + line if found.block else found.line
        return Place(path=found.path, line=there, column=1 if found.block else found.column)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def written(kind: Kind, things: Mapping[str, Values]) -> str:
    """Return the file of a kind; what has its default is left out where it may be."""
    said = {
        name: {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if key in kind.required or value != kind.fields[key]
        }
        for name, values in sorted(things.items())
    }
    body = yaml.dump(said, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return _HEADING.format(name=kind.name) + body


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder, for the eyes of one: scripts may name patients.

    Raises:
        Unavailable: if they cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in texts.items():
            fresh = folder / f".{name}.yaml.new"
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            fresh.replace(folder / f"{name}.yaml")
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error


class Reader:
    """Reads the files of a folder, and keeps all faults."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet.

        Raises:
            NotFound: if there is no such folder.
        """
        if not folder.is_dir():
            raise NotFound(f"there is no folder {folder}")
        self._folder = folder
        self.problems: list[Problem] = []

    def strange(self, known: set[str]) -> None:
        """Note files that no kind has: somebody means them to be read."""
        for path in sorted(self._folder.glob("*.y*ml")):
            if path.name not in {f"{name}.yaml" for name in known}:
                names = ", ".join(f"{name}.yaml" for name in sorted(known))
                self._fault(Place(path=str(path), line=1, column=1), f"expected one of {names}")

    def read(self, kind: Kind) -> dict[str, Said] | None:
        """Return what the file of a kind says, by name; None where there is no file."""
        path = self._folder / f"{kind.name}.yaml"
        start = Place(path=str(path), line=1, column=1)
        try:
            root = yaml.compose(path.read_bytes().decode("utf-8-sig"), Loader=yaml.SafeLoader)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            self._fault(start, "cannot be read as UTF-8 text")
            return {}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = start if mark is None else _at(path, mark)
            self._fault(place, f"not YAML: {error.problem}")
            return {}
        except (yaml.YAMLError, RecursionError):
            self._fault(start, "not YAML")
            return {}
        if root is None:
            return {}
        return {
            name: said
            for name, place, body in self._pairs(path, root, f"{kind.name} by name")
            if (said := self._thing(path, kind, place, body)) is not None
        }

    def _thing(self, path: Path, kind: Kind, place: Place, body: yaml.Node) -> Said | None:
        before = len(self.problems)
        values: dict[str, Value] = {}
        places: dict[str, Place] = {}
        for key, at, node in self._pairs(path, body, f"the values of a {kind.one}"):
            if key not in kind.fields:
                known = ", ".join(kind.fields)
                self._fault(at, f"there is no {key} of a {kind.one}; expected one of {known}")
                continue
            places[key] = _at(path, node.start_mark, block=_is_block(node))
            value = _value(kind.fields[key], node)
            if value is None:
                self._fault(places[key], f"{key}: expected {_words(kind.fields[key])}")
            else:
                values[key] = value
        missing = [key for key in kind.required if key not in places]
        if missing:
            self._fault(place, f"{missing[0]} is missing")
        if len(self.problems) > before:
            return None
        return Said(values={**kind.fields, **values}, place=place, places=places)

    def _pairs(self, path: Path, node: yaml.Node, what: str) -> list[tuple[str, Place, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(_at(path, node.start_mark), f"expected {what}")
            return []
        found: dict[str, tuple[str, Place, yaml.Node]] = {}
        for key, value in node.value:
            place = _at(path, key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self._fault(place, "expected a name")
            elif key.value in found:
                self._fault(place, f"{key.value} is given twice")
            else:
                found[key.value] = (key.value, place, value)
        return list(found.values())

    def _fault(self, place: Place, message: str) -> None:
        self.problems.append(problem(place, message))


def problem(place: Place, message: str) -> Problem:
    """Return a fault at a place."""
    return Problem(path=place.path, line=place.line, column=place.column, message=message)


def _value(default: Value, node: yaml.Node) -> Value | None:
    """Read a value of the type of its default; None where it is not of that."""
    if isinstance(default, tuple):
        items = node.value if isinstance(node, yaml.SequenceNode) else None
        if items is None or not all(isinstance(item, yaml.ScalarNode) for item in items):
            return None
        return tuple(item.value for item in items)
    if not isinstance(node, yaml.ScalarNode):
        return None
    text: str = node.value
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        return _TRUTH.get(text.lower())
    if isinstance(default, int):
        return int(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else None
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII) else None


def _words(default: Value) -> str:
    kinds: dict[type[Any], str] = {tuple: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(default), "a number")


def _at(path: Path, mark: yaml.Mark, *, block: bool = False) -> Place:
    return Place(path=str(path), line=mark.line + 1, column=mark.column + 1, block=block)


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style == "|"
