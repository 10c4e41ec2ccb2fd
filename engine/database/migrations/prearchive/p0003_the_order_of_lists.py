# SPDX-License-Identifier: Apache-2.0
"""An index in the order in which sessions are listed: without it each window sorts all of them."""

from __future__ import annotations

from alembic import op

revision = "p0003"
down_revision = "p0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_index("ix_sessions_last_object", "sessions", ["last_object", "id"])
