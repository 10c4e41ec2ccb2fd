# SPDX-License-Identifier: Apache-2.0
"""How far the audit trail was sent to syslog targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0015"
down_revision = "a0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "audit_targets",
        sa.Column("target", sa.String(length=1024), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("target", name="pk_audit_targets"),
    )
