# SPDX-License-Identifier: Apache-2.0
"""The tables of the reviewer's desk in `prearchive.db`. They are by the id of a session and not
bound to its row: what was said of a session is still there when it comes back from the trash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
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
