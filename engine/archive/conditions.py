# SPDX-License-Identifier: Apache-2.0
"""The conditions of a filter on filed sessions: the column of each field in `ARCHIVE_FIELDS`.
Queries join the subject."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement

from engine.archive.tables import ArchivedSessionRow, SubjectRow
from engine.database import comparisons
from engine.database.comparisons import Criterion, amount, chosen, day, moment, text
from engine.model.archive import SessionStatus
from engine.model.filters import Condition


def where(conditions: Iterable[Condition]) -> list[ColumnElement[bool]]:
    """Return the criteria of conditions.

    Raises:
        InvalidInput: a field is not known, or cannot be compared like this.
    """
    return comparisons.criteria(conditions, FIELDS)


def names_status(conditions: Iterable[Condition]) -> bool:
    """Whether a condition asks for a status: then none is left out by default."""
    return any(one.field == "status" and not one.negated for one in conditions)


def _status(condition: Condition) -> ColumnElement[bool]:
    wanted = chosen(condition, [status.value for status in SessionStatus])
    return ArchivedSessionRow.status.in_(wanted)


FIELDS: dict[str, Criterion] = {
    "accession": text(ArchivedSessionRow.id),
    "added": moment(ArchivedSessionRow.added),
    "by": text(ArchivedSessionRow.added_by),
    "date": day(ArchivedSessionRow.date),
    "files": amount(ArchivedSessionRow.files),
    "project": text(ArchivedSessionRow.project),
    "scanner": text(ArchivedSessionRow.scanner),
    "session": text(ArchivedSessionRow.label),
    "size": amount(ArchivedSessionRow.bytes),
    "status": _status,
    "subject": text(SubjectRow.label, SubjectRow.id),
    "type": text(ArchivedSessionRow.modality),
}
