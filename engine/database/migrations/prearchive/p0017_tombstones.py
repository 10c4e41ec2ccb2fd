# SPDX-License-Identifier: Apache-2.0
"""What is left of sessions that were removed for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0017"
down_revision = "p0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "tombstones",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("project", sa.String(64)),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.DateTime(timezone=True)),
        sa.Column("deleted_by", sa.String(64), nullable=False),
        sa.Column("gone", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_by", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tombstones"),
    )
    op.create_index("ix_tombstones_gone", "tombstones", ["gone"])
