# SPDX-License-Identifier: Apache-2.0
"""Transfers count the echoes that were answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0013"
down_revision = "p0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("transfers") as table:
        table.add_column(sa.Column("echoes", sa.Integer(), nullable=False, server_default="0"))
