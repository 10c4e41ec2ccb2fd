# SPDX-License-Identifier: Apache-2.0
"""Objects in staging may wait for the helper that runs the script, and not for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0004"
down_revision = "p0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("held") as table:
        table.add_column(
            sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
        table.add_column(sa.Column("session", sa.String(16), nullable=False, server_default=""))
        table.add_column(sa.Column("node", sa.String(64), nullable=False, server_default=""))
