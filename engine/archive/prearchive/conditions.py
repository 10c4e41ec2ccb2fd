"""What the conditions of a filter mean on prearchive rows: each field of `PREARCHIVE_FIELDS` and
its column."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, or_

from engine.archive import comparing
from engine.archive.comparing import Criterion, age, amount, chosen, day, text
from engine.archive.prearchive.tables import SessionRow
from engine.model.filters import Condition
from engine.model.prearchive import UNASSIGNED
from engine.model.states import PROBLEM, QUEUED, RECEIVING, WORKING, Status

_GROUPS = {"problem": PROBLEM, "busy": QUEUED | WORKING, "receiving": RECEIVING}


def where(conditions: Iterable[Condition]) -> list[ColumnElement[bool]]:
    """Give the criteria of conditions.

    Raises:
        InvalidInput: a field is not known, or cannot be compared like this.
    """
    return comparing.criteria(conditions, FIELDS)


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
    "date": day(SessionRow.scan_date),
    "from": text(SessionRow.calling),
    "id": text(SessionRow.id),
    "images": amount(SessionRow.objects),
    "project": text(func.coalesce(SessionRow.project, UNASSIGNED)),
    "receiver": text(SessionRow.receiver),
    "session": text(SessionRow.label),
    "size": amount(SessionRow.bytes),
    "status": _status,
    "subject": text(SessionRow.subject),
    "tag": text(SessionRow.received_study_uid),
    "type": text(SessionRow.modality),
}
