# SPDX-License-Identifier: Apache-2.0
"""The state of filed sessions: since when, who has agreed to a release, and who has to; reasons in
the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0018"
down_revision = "a0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    moment, short = sa.DateTime(timezone=True), sa.String(length=16)
    for table, column in (
        ("projects", sa.Column("release_people", sa.Integer(), nullable=False, server_default="1")),
        ("projects", sa.Column("release_by", short, nullable=False, server_default="owner")),
        ("sessions", sa.Column("status_before", short, nullable=False, server_default="")),
        ("sessions", sa.Column("status_at", moment, nullable=True)),
        ("sessions", sa.Column("status_by", sa.String(64), nullable=False, server_default="")),
        ("history", sa.Column("reason", sa.Text(), nullable=False, server_default="")),
    ):
        op.add_column(table, column)
    op.create_index("ix_sessions_status", "sessions", ["status"])
    op.create_table(
        "releases",
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name="fk_releases_session"),
        sa.PrimaryKeyConstraint("session", "actor", name="pk_releases"),
    )
