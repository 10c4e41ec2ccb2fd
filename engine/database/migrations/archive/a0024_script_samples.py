# SPDX-License-Identifier: Apache-2.0
"""Samples that are kept with scripts, and what is expected of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0024"
down_revision = "a0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "script_samples",
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_script_samples"),
    )
