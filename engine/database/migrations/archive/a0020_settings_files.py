# SPDX-License-Identifier: Apache-2.0
"""What the settings files of nodes said at their last start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.database.columns import Document

revision = "a0020"
down_revision = "a0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "settings_files",
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("said", Document, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_settings_files"),
    )
