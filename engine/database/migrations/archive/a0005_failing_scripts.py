# SPDX-License-Identifier: Apache-2.0
"""What a receiver does with objects for which the site script fails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0005"
down_revision = "a0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("receivers") as table:
        table.add_column(
            sa.Column("script_error", sa.String(length=8), nullable=False, server_default="hold")
        )
