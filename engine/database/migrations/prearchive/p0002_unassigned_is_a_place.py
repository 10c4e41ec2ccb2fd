# SPDX-License-Identifier: Apache-2.0
"""Unique indexes in which sessions without a project count as one place: NULLs would all differ.
Alembic cannot read such indexes back from SQLite, so they are written by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0002"
down_revision = "p0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    place = sa.text("coalesce(project, '')")
    op.create_index("uq_sessions_place", "sessions", [place, "timestamp", "folder"], unique=True)
    op.create_index(
        "uq_sessions_claim",
        "sessions",
        [place, "received_study_uid", "label"],
        unique=True,
        sqlite_where=sa.text("accepting"),
        postgresql_where=sa.text("accepting"),
    )
