# SPDX-License-Identifier: Apache-2.0
"""The tables of findings in `prearchive.db`, without values, which are patient data. They go with
the row of the session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.database.columns import PrearchiveTable


class FindingLookRow(PrearchiveTable):
    """How a session was looked through last."""

    __tablename__ = "finding_looks"

    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    of: Mapped[str] = mapped_column(String(64))
    """The script that was looked ahead with; empty where the session has to be looked through
    again."""
    at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0)
    open: Mapped[int] = mapped_column(default=0)
    level: Mapped[str] = mapped_column(String(8), default="")
    """The highest of those that are open; empty for none."""
    archives: Mapped[bool] = mapped_column(default=False)
    """The session goes on to the archive by itself once nothing is open that its project minds."""

    __table_args__ = (Index("ix_finding_looks_of", "of"),)


class FindingRow(PrearchiveTable):
    """One finding of a session."""

    __tablename__ = "findings"

    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    level: Mapped[str] = mapped_column(String(8))
    path: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    scans: Mapped[str] = mapped_column(Text)
    """JSON: the ids of scans."""
    files: Mapped[int]
    left: Mapped[int]
    cause: Mapped[str] = mapped_column(Text)
    mended_by: Mapped[str] = mapped_column(Text)
    """JSON: a statement; empty for none."""
    evidence: Mapped[str] = mapped_column(String(16))
    """What its values are known by: an HMAC."""


class AcknowledgementRow(PrearchiveTable):
    """Somebody has said that a finding is none."""

    __tablename__ = "acknowledgements"

    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    evidence: Mapped[str] = mapped_column(String(16))
    """Of other values than these it does not hold."""
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
