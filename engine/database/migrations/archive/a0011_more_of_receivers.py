# SPDX-License-Identifier: Apache-2.0
"""Receivers have an account, file names, a durability and storage classes of their own, and a list
of revoked certificates. Those of an older home go on by the settings file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a0011"
down_revision = "a0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("receivers") as table:
        for name in ("crl", "file_name_template"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        for name, length in (("account", 64), ("durability", 8)):
            table.add_column(
                sa.Column(name, sa.String(length=length), nullable=False, server_default="")
            )
        table.add_column(
            sa.Column("storage_classes", document, nullable=False, server_default="{}")
        )
