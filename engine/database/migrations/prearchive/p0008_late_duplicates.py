# SPDX-License-Identifier: Apache-2.0
"""Sessions count the objects that came for them once these were archived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0008"
down_revision = "p0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    column = sa.Column("duplicates", sa.Integer(), nullable=False, server_default=sa.text("0"))
    # Not in a batch: SQLite would make the table anew, without its indexes over expressions.
    op.add_column("sessions", column)
