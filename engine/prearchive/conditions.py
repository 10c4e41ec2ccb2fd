# SPDX-License-Identifier: Apache-2.0
"""The conditions of a filter on prearchive rows: the column of each field in `PREARCHIVE_FIELDS`,
and which values the user may filter by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, case, false, func, or_

from engine.database import comparisons
from engine.database.comparisons import Criterion, age, amount, chosen, day, text
from engine.model.filters import Condition
from engine.model.prearchive import UNASSIGNED
from engine.model.states import PROBLEM, QUEUED, RECEIVING, WORKING, Status
from engine.prearchive import desk
from engine.prearchive.tables import SessionRow

NOBODYS: Mapping[str, Criterion] = {}

_GROUPS = {"problem": PROBLEM, "busy": QUEUED | WORKING, "receiving": RECEIVING}


def where(
    conditions: Iterable[Condition], *, masked: bool = False, own: Mapping[str, Criterion] = NOBODYS
) -> list[ColumnElement[bool]]:
    """Return the criteria of conditions; `masked` as in `PrearchiveQuery`, `own` are the
    fields that depend on who asks, and when.

    Raises:
        InvalidInput: a field is not known, or cannot be compared like this.
    """
    fields = _MASKED if masked else FIELDS
    return comparisons.criteria(conditions, {**fields, **own})


def known(column: SQLColumnExpression[Any], *, masked: bool) -> SQLColumnExpression[Any]:
    """Return a label as it is known to who asks: where it is masked it is an empty one."""
    return case((SessionRow.project.is_(None), ""), else_=column) if masked else column


def _status(condition: Condition) -> ColumnElement[bool]:
    group = condition.value.casefold()
    if group in _GROUPS:
        wanted = sorted(status.value for status in _GROUPS[group])
    else:
        wanted = chosen(condition, [status.value for status in Status], _GROUPS)
    found = SessionRow.status.in_(wanted)
    # A build that new objects have overtaken still owns its session.
    return or_(found, SessionRow.locked) if group == "busy" else found


FIELDS: dict[str, Criterion] = {
    "age": age(SessionRow.last_object),
    "assigned": desk.assigned,
    "date": day(SessionRow.scan_date),
    "from": text(SessionRow.calling),
    "id": text(SessionRow.id),
    "images": amount(SessionRow.objects),
    "late": desk.yes_or_no(lambda: SessionRow.belongs_to != ""),
    "mine": desk.yes_or_no(false),
    "overdue": desk.yes_or_no(false),
    "noted": desk.yes_or_no(desk.is_noted),
    "project": text(func.coalesce(SessionRow.project, UNASSIGNED)),
    "receiver": text(SessionRow.receiver),
    "reviewed": desk.yes_or_no(desk.is_reviewed),
    "session": text(SessionRow.label),
    "size": amount(SessionRow.bytes),
    "status": _status,
    "subject": text(SessionRow.subject),
    "tag": text(SessionRow.received_study_uid),
    "type": text(SessionRow.modality),
}
_MASKED = FIELDS | {
    "session": text(known(SessionRow.label, masked=True)),
    "subject": text(known(SessionRow.subject, masked=True)),
}
