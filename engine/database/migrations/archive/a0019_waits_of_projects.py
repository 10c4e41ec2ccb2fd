# SPDX-License-Identifier: Apache-2.0
"""How long sessions of a project wait, and stay in the trash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0019"
down_revision = "a0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    for name in ("build_after", "trash_days"):
        op.add_column("projects", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
