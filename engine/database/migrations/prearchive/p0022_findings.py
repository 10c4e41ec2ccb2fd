# SPDX-License-Identifier: Apache-2.0
"""Where a patient may still shine through in a session, and what people have said of that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "p0022"
down_revision = "p0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "finding_looks",
        _session(),
        sa.Column("of", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("archives", sa.Boolean(), nullable=False),
        _of_session("finding_looks"),
        sa.PrimaryKeyConstraint("session", name="pk_finding_looks"),
    )
    op.create_index("ix_finding_looks_of", "finding_looks", ["of"])
    op.create_table(
        "findings",
        _session(),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scans", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("mended_by", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(16), nullable=False),
        _of_session("findings"),
        sa.PrimaryKeyConstraint("session", "key", name="pk_findings"),
    )
    op.create_table(
        "acknowledgements",
        _session(),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("evidence", sa.String(16), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _of_session("acknowledgements"),
        sa.PrimaryKeyConstraint("session", "key", name="pk_acknowledgements"),
    )


def _session() -> sa.Column[str]:
    return sa.Column("session", sa.String(16), nullable=False)


def _of_session(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["session"], ["sessions.id"], name=f"fk_{table}_session_sessions", ondelete="CASCADE"
    )
