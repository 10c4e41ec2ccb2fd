# SPDX-License-Identifier: Apache-2.0
"""Sessions know what is undecided in them, and which archived session they belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0005"
down_revision = "p0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    # Not in a batch: SQLite would make the table anew, without its indexes over expressions.
    for column in (
        sa.Column("contradictions", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column(
            "several_patients", sa.Boolean(), nullable=False, server_default=sa.text("false")
        ),
        sa.Column("decision", sa.Text(), nullable=False, server_default=""),
        sa.Column("belongs_to", sa.String(64), nullable=False, server_default=""),
    ):
        op.add_column("sessions", column)
