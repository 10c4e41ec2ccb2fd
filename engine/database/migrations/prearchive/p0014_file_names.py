# SPDX-License-Identifier: Apache-2.0
"""Sessions keep the file name template of the receiver that their first object came to. Those of an
older home have that of the settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0014"
down_revision = "p0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("sessions") as table:
        table.add_column(
            sa.Column("file_name_template", sa.Text(), nullable=False, server_default="")
        )
