# SPDX-License-Identifier: Apache-2.0
"""When and by which receiver a filed session was received."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0021"
down_revision = "a0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("sessions", sa.Column("received_from", sa.DateTime(timezone=True)))
    op.add_column("sessions", sa.Column("received_to", sa.DateTime(timezone=True)))
    op.add_column(
        "sessions", sa.Column("receiver", sa.String(16), nullable=False, server_default="")
    )
