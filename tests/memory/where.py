# SPDX-License-Identifier: Apache-2.0
"""Conditions of a filter on what an engine in memory knows: a plain reading of each field, with
`NOON` for now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TypeVar

from engine.model.archive import SessionSummary
from engine.model.desk import NOBODY
from engine.model.errors import InvalidInput
from engine.model.filters import Comparison, Condition
from engine.model.measures import read_amount, read_period, read_span
from engine.model.prearchive import UNASSIGNED, PrearchiveSession
from engine.model.states import PROBLEM, QUEUED, RECEIVING, WORKING
from tests.memory.facts import NOON

Row = TypeVar("Row")
Value = str | int | datetime | None
Field = Callable[[Row], Value]


def _said(so: bool) -> str:
    return "yes" if so else "no"


WAITING: dict[str, Field[PrearchiveSession]] = {
    "age": lambda row: row.last_object,
    "assigned": lambda row: row.assigned or NOBODY,
    "date": lambda row: row.scan_date,
    "from": lambda row: row.calling,
    "id": lambda row: row.id,
    "images": lambda row: row.objects,
    "late": lambda row: _said(bool(row.belongs_to)),
    "noted": lambda row: _said(row.noted),
    "overdue": lambda row: _said(row.due is not None and row.due < NOON),
    "project": lambda row: row.project or UNASSIGNED,
    "receiver": lambda row: row.receiver,
    "reviewed": lambda row: _said(row.reviewed is not None),
    "session": lambda row: row.label,
    "size": lambda row: row.bytes,
    "status": lambda row: row.status.value,
    "subject": lambda row: row.subject,
    "tag": lambda row: row.tag,
    "type": lambda row: row.modality,
}
FILED: dict[str, Field[SessionSummary]] = {
    "accession": lambda row: row.accession,
    "added": lambda row: row.added.astimezone().date().isoformat(),
    "by": lambda row: row.added_by,
    "date": lambda row: row.date,
    "files": lambda row: row.files,
    "project": lambda row: row.project,
    "scanner": lambda row: row.scanner,
    "session": lambda row: row.label,
    "size": lambda row: row.bytes,
    "status": lambda row: row.status.value,
    "subject": lambda row: row.subject,
    "type": lambda row: row.modality,
}
GROUPS = {"problem": PROBLEM, "busy": QUEUED | WORKING, "receiving": RECEIVING}


def holds(row: Row, conditions: Iterable[Condition], fields: Mapping[str, Field[Row]]) -> bool:
    """Whether all conditions hold for a row."""
    return all(_holds(row, condition, fields) for condition in conditions)


def _holds(row: Row, condition: Condition, fields: Mapping[str, Field[Row]]) -> bool:
    if condition.field not in fields:
        raise InvalidInput(
            f"there is no field {condition.field!r}; use {', '.join(sorted(fields))}"
        )
    return _is(fields[condition.field](row), condition) != condition.negated


def _is(value: Value, condition: Condition) -> bool:
    wanted = condition.value
    if isinstance(value, datetime):
        older = NOON - value > read_span(wanted)
        return older if condition.comparison is Comparison.ABOVE else not older
    if isinstance(value, int):
        number = read_amount(wanted)
        return {
            Comparison.IS: value == number,
            Comparison.BELOW: value < number,
            Comparison.ABOVE: value > number,
        }[condition.comparison]
    text = value or ""
    if condition.field in ("date", "added"):
        read_period(wanted)
        return {
            Comparison.IS: text.startswith(wanted),
            Comparison.BELOW: bool(text) and text <= wanted,
            Comparison.ABOVE: text >= wanted,
        }[condition.comparison]
    if condition.comparison is not Comparison.IS:
        raise InvalidInput(f"{condition.field} is compared with :")
    if condition.field == "status":
        if wanted.lower() in GROUPS:
            return text in GROUPS[wanted.lower()]
        wanted += "*"
    return fnmatchcase(text.lower(), wanted.lower().replace("[", "[[]").replace("?", "[?]"))
