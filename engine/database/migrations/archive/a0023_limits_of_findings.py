# SPDX-License-Identifier: Apache-2.0
"""From which level on open findings keep sessions of a project out of the archive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0023"
down_revision = "a0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "projects",
        sa.Column("findings_limit", sa.String(8), nullable=False, server_default="none"),
    )
