# SPDX-License-Identifier: Apache-2.0
"""Settings that are changed while the engine runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0017"
down_revision = "a0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "site_settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_site_settings"),
    )
