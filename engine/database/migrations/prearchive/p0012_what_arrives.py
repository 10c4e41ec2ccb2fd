# SPDX-License-Identifier: Apache-2.0
"""What is known of series that are arriving, and what came within each hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0012"
down_revision = "p0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "sessions", sa.Column("arriving", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    # Of what has come before nobody knows what is missing.
    op.add_column("sessions", sa.Column("missing", sa.Integer(), nullable=True))
    op.create_table(
        "arriving_series",
        sa.Column("session", sa.String(length=16), nullable=False),
        sa.Column("series", sa.String(length=64), nullable=False),
        sa.Column("scan", sa.String(length=128), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("ranges", sa.Text(), nullable=False),
        sa.Column("stated", sa.Integer(), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session"],
            ["sessions.id"],
            name="fk_arriving_series_session",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session", "series", name="pk_arriving_series"),
    )
    op.create_table(
        "throughput",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receiver", sa.String(length=16), nullable=False),
        sa.Column("calling", sa.String(length=64), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hour", "receiver", "calling", name="pk_throughput"),
    )
