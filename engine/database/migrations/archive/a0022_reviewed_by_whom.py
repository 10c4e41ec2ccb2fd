# SPDX-License-Identifier: Apache-2.0
"""Who has reviewed a filed session, and how long sessions of a project are to wait for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0022"
down_revision = "a0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("sessions", sa.Column("reviewed", sa.DateTime(timezone=True)))
    op.add_column(
        "sessions", sa.Column("reviewed_by", sa.String(64), nullable=False, server_default="")
    )
    op.add_column(
        "projects", sa.Column("review_hours", sa.Integer(), nullable=False, server_default="0")
    )
