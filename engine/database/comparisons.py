# SPDX-License-Identifier: Apache-2.0
"""Conditions of filters as SQL, by the kind of column, the same on SQLite and PostgreSQL. Each list
defines which column a field means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    and_,
    func,
    literal,
    not_,
    or_,
)

from engine.model.errors import InvalidInput
from engine.model.filters import (
    MOST_CONDITIONS,
    Comparison,
    Condition,
    check_count,
    check_length,
)
from engine.model.measures import read_amount, read_day, read_period, read_span

Criterion = Callable[[Condition], ColumnElement[bool]]
"""What a field asks of a row, negation aside."""


def criteria(
    conditions: Iterable[Condition], fields: Mapping[str, Criterion]
) -> list[ColumnElement[bool]]:
    """Return the criteria of conditions, all of which hold.

    Raises:
        InvalidInput: a field is not known, cannot be compared like this, or there are too many.
    """
    wanted = tuple(conditions)
    check_count(len(wanted), MOST_CONDITIONS, "conditions")
    return [_criterion(condition, fields) for condition in wanted]


def like(column: SQLColumnExpression[Any], pattern: str) -> ColumnElement[bool]:
    """Compare a text without regard to case; `*` stands for anything, NULL for an empty text."""
    check_length(pattern)
    if "\0" in pattern:
        raise InvalidInput("no text of a list holds a NUL", hint="leave it out")
    escaped = pattern.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return func.coalesce(column, "").ilike(escaped.replace("*", "%"), escape="\\")


def text(*columns: SQLColumnExpression[Any]) -> Criterion:
    """Compare texts; one of several that is alike is enough."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        _only(condition, Comparison.IS)
        return or_(*(like(column, condition.value) for column in columns))

    return compare


def amount(column: SQLColumnExpression[Any]) -> Criterion:
    """Compare a number."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        # A column of 32 bits would refuse a greater value.
        value = literal(read_amount(condition.value), BigInteger())
        return _compared(column, condition.comparison, value)

    return compare


def age(column: SQLColumnExpression[Any]) -> Criterion:
    """Compare how long ago a moment was."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        _only(condition, Comparison.BELOW, Comparison.ABOVE)
        then = datetime.now(UTC) - read_span(condition.value)
        return column > then if condition.comparison is Comparison.BELOW else column < then

    return compare


def day(column: SQLColumnExpression[Any]) -> Criterion:
    """Compare a date that is kept as ISO text; an empty one is before and after none."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        if condition.comparison is Comparison.IS:
            read_period(condition.value)
            return like(column, f"{condition.value}*")
        value = read_day(condition.value).first.isoformat()
        if condition.comparison is Comparison.ABOVE:
            return column >= value
        return and_(column <= value, column != "")

    return compare


def moment(column: SQLColumnExpression[Any]) -> Criterion:
    """Compare the day of a moment, as the clocks of this machine show it."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        if condition.comparison is Comparison.IS:
            period = read_period(condition.value)
            return and_(column >= period.begins(), column < period.ends())
        period = read_day(condition.value)
        if condition.comparison is Comparison.ABOVE:
            return column >= period.begins()
        return column < period.ends()

    return compare


def chosen(condition: Condition, names: Iterable[str], groups: Iterable[str] = ()) -> list[str]:
    """Return the names that a condition means: one, or all that begin so, without regard to case.

    Raises:
        InvalidInput: no name does.
    """
    _only(condition, Comparison.IS)
    known = tuple(names)
    wanted = condition.value.rstrip("*").casefold()
    exact = [name for name in known if name.casefold() == wanted]
    found = exact or [name for name in known if name.casefold().startswith(wanted)]
    if not found:
        choices = ", ".join((*groups, *(name.lower() for name in known)))
        raise InvalidInput(
            f"there is no {condition.field} {condition.value!r}", hint=f"use {choices}"
        )
    return found


def _criterion(condition: Condition, fields: Mapping[str, Criterion]) -> ColumnElement[bool]:
    check_length(condition.value)
    compare = fields.get(condition.field)
    if compare is None:
        known = ", ".join(sorted(fields))
        raise InvalidInput(f"there is no field {condition.field!r}; use {known}")
    found = compare(condition)
    # What is unknown is not so: without this a row whose field is NULL would be lost both ways.
    return not_(func.coalesce(found, False)) if condition.negated else found


def _only(condition: Condition, *allowed: Comparison) -> None:
    if condition.comparison not in allowed:
        said = " or ".join(one.value for one in allowed)
        raise InvalidInput(f"{condition.field} is compared with {said}")


def _compared(
    column: SQLColumnExpression[Any], comparison: Comparison, value: SQLColumnExpression[Any]
) -> ColumnElement[bool]:
    if comparison is Comparison.BELOW:
        return column < value
    if comparison is Comparison.ABOVE:
        return column > value
    return column == value
