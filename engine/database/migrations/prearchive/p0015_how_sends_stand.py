# SPDX-License-Identifier: Apache-2.0
"""When a send has last got on, and an index for those that have not ended or have failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0015"
down_revision = "p0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    # Of what is on its way nobody knows it; it counts from where it began.
    op.add_column("sends", sa.Column("progressed", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_sends_state", "sends", ["state", "ended"])
