# SPDX-License-Identifier: Apache-2.0
"""What the last verification of each session's files found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0006"
down_revision = "a0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    counts = [
        sa.Column(name, sa.Integer(), nullable=False)
        for name in ("files", "missing", "changed", "stray", "damaged", "faults")
    ]
    made = op.create_table(
        "verifications",
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        *counts,
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name="fk_verifications_session"),
        sa.PrimaryKeyConstraint("session", name="pk_verifications"),
    )
    op.create_index("ix_verifications_at", "verifications", ["at", "session"])
    op.create_index("ix_verifications_faults", "verifications", ["faults"])
    sessions = sa.table("sessions", sa.column("id"))
    none = [sa.literal(0).label(column.name) for column in counts]
    op.execute(
        sa.insert(made).from_select(
            ["session", *(column.name for column in counts)], sa.select(sessions.c.id, *none)
        )
    )
