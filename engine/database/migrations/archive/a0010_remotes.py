# SPDX-License-Identifier: Apache-2.0
"""Remote application entities, and how they answered the last echo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0010"
down_revision = "a0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "remotes",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("ae_title", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("calling", sa.String(length=16), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("max_pdu", sa.Integer(), nullable=False),
        sa.Column("connect_timeout", sa.Double(), nullable=False),
        sa.Column("answer_timeout", sa.Double(), nullable=False),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("ca", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tls_name", sa.String(length=255), nullable=False),
        sa.Column("echo_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("echo_ok", sa.Boolean(), nullable=False),
        sa.Column("echo_milliseconds", sa.Double(), nullable=False),
        sa.Column("echo_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_remotes"),
    )
    op.create_index("ix_remotes_ae_title", "remotes", ["ae_title"])
