# SPDX-License-Identifier: Apache-2.0
"""Whether somebody asked to archive a session into quarantine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0016"
down_revision = "p0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "sessions",
        sa.Column("quarantine", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
