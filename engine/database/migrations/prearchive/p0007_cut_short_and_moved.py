# SPDX-License-Identifier: Apache-2.0
"""Sessions know that a transfer broke off which fed them, and how they were routed before they were
moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0007"
down_revision = "p0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    # Not in a batch: SQLite would make the table anew, without its indexes over expressions.
    for column in (
        sa.Column("cut_short", sa.String(160), nullable=False, server_default=""),
        sa.Column("looked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("routed", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("sessions", column)
