# SPDX-License-Identifier: Apache-2.0
"""Receivers have TLS. Those of an older home have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0009"
down_revision = "a0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("receivers") as table:
        table.add_column(sa.Column("tls", sa.Boolean(), nullable=False, server_default=sa.false()))
        for name in ("certificate", "key", "client_ca"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        table.add_column(
            sa.Column(
                "client_certificates", sa.String(length=8), nullable=False, server_default="none"
            )
        )
