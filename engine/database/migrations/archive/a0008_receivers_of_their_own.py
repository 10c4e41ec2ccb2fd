# SPDX-License-Identifier: Apache-2.0
"""Receivers have transfer syntaxes, limits and a time-out of their own. Those of an older home go
on by the settings file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a0008"
down_revision = "a0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("receivers") as table:
        table.add_column(
            sa.Column("transfer_syntaxes", document, nullable=False, server_default="{}")
        )
        for name in ("max_pdu", "max_associations", "max_per_peer"):
            table.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("idle_timeout", sa.Double(), nullable=False, server_default="0"))
