# SPDX-License-Identifier: Apache-2.0
"""When sessions came and left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0021"
down_revision = "p0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "departures",
        sa.Column("session", sa.String(16), nullable=False),
        sa.Column("project", sa.String(64)),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed", sa.DateTime(timezone=True)),
        sa.Column("left", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_departures"),
    )
    op.create_index("ix_departures_left", "departures", ["left"])
