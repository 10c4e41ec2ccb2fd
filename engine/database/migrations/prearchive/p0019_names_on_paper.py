# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of sessions, as marks by which they are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0019"
down_revision = "p0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "name_marks",
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("session", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(
            ["session"], ["sessions.id"], name="fk_name_marks_session_sessions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mark", "session", name="pk_name_marks"),
    )
    op.create_index("ix_name_marks_session", "name_marks", ["session"])
