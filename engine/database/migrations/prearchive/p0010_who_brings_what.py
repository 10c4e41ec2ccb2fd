# SPDX-License-Identifier: Apache-2.0
"""Sessions and transfers name the account of their receiver, and transfers the certificate that
their sender has shown. Those of an older home have neither."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0010"
down_revision = "p0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    for each in ("sessions", "transfers"):
        with op.batch_alter_table(each) as table:
            table.add_column(
                sa.Column("account", sa.String(length=64), nullable=False, server_default="")
            )
    with op.batch_alter_table("transfers") as table:
        table.add_column(
            sa.Column("certificate", sa.String(length=160), nullable=False, server_default="")
        )
