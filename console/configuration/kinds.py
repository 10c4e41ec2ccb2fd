# SPDX-License-Identifier: Apache-2.0
"""What a kind of configured thing has to tell of itself, so that it can stand in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.service.api import EngineApi

Value = str | bool | int | float | tuple[str, ...]
"""A text, a flag, a number, seconds, or a list of words."""

Values = Mapping[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """What is wrong with a value; `line` counts from 1 within a text of several lines."""

    message: str
    field: str = ""
    """Empty where it is about the whole thing."""
    line: int = 0


class Kind(Protocol):
    """One kind of thing: projects, receivers and so on."""

    @property
    def name(self) -> str:
        """What its file is called."""
        ...

    @property
    def one(self) -> str:
        """What one of them is called."""
        ...

    @property
    def fields(self) -> Values:
        """Every value with its default, whose type is that of the value. What a file does not name
        has the default."""
        ...

    @property
    def required(self) -> tuple[str, ...]:
        """Those that every file names."""
        ...

    @property
    def secret(self) -> frozenset[str]:
        """Those whose content is not shown."""
        ...

    async def current(self, engine: EngineApi) -> dict[str, Values]:
        """Return all that are there, by name."""
        ...

    async def check(self, engine: EngineApi, name: str, values: Values) -> list[Remark]:
        """Say what is wrong with one; nothing is changed."""
        ...

    def normal(self, name: str, values: Values) -> Values:
        """Return sound values as they are when they are read again."""
        ...

    async def add(self, engine: EngineApi, name: str, values: Values) -> None:
        """Make one that is not there."""
        ...

    async def change(self, engine: EngineApi, name: str, changes: Values, values: Values) -> None:
        """Change one that is there; `values` are all that it is to have."""
        ...

    async def remove(self, engine: EngineApi, name: str) -> str:
        """Take one away; or return why that is not done."""
        ...


def said(value: Value) -> str:
    """Return a value as the verbs of the service take it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def named(values: Values) -> dict[str, str]:
    """Return values as the verbs of the service take them."""
    return {name: said(value) for name, value in values.items()}
