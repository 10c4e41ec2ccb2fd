# SPDX-License-Identifier: Apache-2.0
"""The tables of the reviewer's desk in `prearchive.db`. What was said of a session is by its id
and not bound to its row: it is still there when the session comes back from the trash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.database.columns import PrearchiveTable


class DeskRow(PrearchiveTable):
    """What people have said of one session; there is none before somebody has."""

    __tablename__ = "desk"

    session: Mapped[str] = mapped_column(String(16), primary_key=True)
    note: Mapped[str] = mapped_column(Text, default="")
    """May name a patient."""
    noted_by: Mapped[str] = mapped_column(String(64), default="")
    noted: Mapped[datetime | None]
    assigned: Mapped[str] = mapped_column(String(64), default="")
    assigned_by: Mapped[str] = mapped_column(String(64), default="")
    assigned_at: Mapped[datetime | None]
    reviewed_by: Mapped[str] = mapped_column(String(64), default="")
    reviewed: Mapped[datetime | None]
    seal: Mapped[str] = mapped_column(String(64), default="")
    """What was reviewed, as a digest of its document."""
    fell: Mapped[str] = mapped_column(String(160), default="")

    __table_args__ = (Index("ix_desk_assigned", "assigned"),)


class NameMarkRow(PrearchiveTable):
    """A name or number by which a person with a paper finds a session: an HMAC, and nothing from
    which it could be read. It goes with the row of the session."""

    __tablename__ = "name_marks"

    mark: Mapped[str] = mapped_column(String(32), primary_key=True)
    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (Index("ix_name_marks_session", "session"),)


class DepartureRow(PrearchiveTable):
    """When a session came, was reviewed and left, and how: for reports. It names no patient."""

    __tablename__ = "departures"

    session: Mapped[str] = mapped_column(String(16), primary_key=True)
    project: Mapped[str | None] = mapped_column(String(64))
    received: Mapped[datetime]
    """When its first object came."""
    reviewed: Mapped[datetime | None]
    left: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(16))
    """`archived` or `deleted`."""

    __table_args__ = (Index("ix_departures_left", "left"),)
