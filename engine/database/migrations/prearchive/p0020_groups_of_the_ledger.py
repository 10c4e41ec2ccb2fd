# SPDX-License-Identifier: Apache-2.0
"""Indexes for the groups of the ledger: without them the lines of one are looked for in all."""

from __future__ import annotations

from alembic import op

revision = "p0020"
down_revision = "p0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_index("ix_ledger_reason", "ledger", ["outcome", "reason", "rule", "last", "id"])
    op.create_index("ix_ledger_calling", "ledger", ["calling", "last", "id"])
