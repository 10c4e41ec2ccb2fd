# SPDX-License-Identifier: Apache-2.0
"""Notes, assignments and reviews of sessions that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0018"
down_revision = "p0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "desk",
        sa.Column("session", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(64), nullable=False),
        sa.Column("noted", sa.DateTime(timezone=True)),
        sa.Column("assigned", sa.String(64), nullable=False),
        sa.Column("assigned_by", sa.String(64), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True)),
        sa.Column("reviewed_by", sa.String(64), nullable=False),
        sa.Column("reviewed", sa.DateTime(timezone=True)),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("fell", sa.String(160), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_desk"),
    )
    op.create_index("ix_desk_assigned", "desk", ["assigned"])
