# SPDX-License-Identifier: Apache-2.0
"""Column types that behave the same on SQLite and PostgreSQL, and the two metadata collections of
the tables of archive and prearchive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time. SQLite drops time zones: naive values are refused, UTC is restored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite only counts up by itself on INTEGER."""

Document = JSON().with_variant(JSONB(), "postgresql")
"""A JSON value."""


class ArchiveTable(DeclarativeBase):
    """Base of the tables of `archive.db`: permanent, never holding what must not leave triage."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {datetime: Moment, dict[str, Any]: Document}  # noqa: RUF012


class PrearchiveTable(DeclarativeBase):
    """Base of the tables of `prearchive.db`: triage only, may be thrown away with its files."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {datetime: Moment, dict[str, Any]: Document}  # noqa: RUF012


class OutboxColumns:
    """What both outboxes hold of an audit event."""

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(160))
    detail: Mapped[dict[str, Any]]


def fitted(table: type[DeclarativeBase], values: Mapping[str, Any]) -> dict[str, Any]:
    """Cut texts from headers to the width of their columns, which PostgreSQL insists on."""
    return {name: _fit(table, name, value) for name, value in values.items()}


def _fit(table: type[DeclarativeBase], name: str, value: Any) -> Any:
    kind = table.__table__.c[name].type
    if isinstance(kind, String) and isinstance(value, str):
        return value[: kind.length]
    return value
