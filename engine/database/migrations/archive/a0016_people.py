# SPDX-License-Identifier: Apache-2.0
"""People: users, their roles, requests for access, tokens and sign-ins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0016"
down_revision = "a0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "users",
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("sees_originals", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("password_set", moment, nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("locked_until", moment, nullable=True),
        sa.Column("last_seen", moment, nullable=True),
        sa.Column("added", moment, nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_users"),
        sa.UniqueConstraint("uid", name="uq_users_uid"),
    )
    op.create_table(
        "grants",
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("holder", "project", "role", name="pk_grants"),
    )
    op.create_index("ix_grants_project", "grants", ["project"])
    op.create_table(
        "access_requests",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
        sa.UniqueConstraint("login", "project", name="uq_access_requests_login_project"),
    )
    op.create_table(
        "tokens",
        sa.Column("alias", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("expires", moment, nullable=False),
        sa.Column("single_use", sa.Boolean(), nullable=False),
        sa.Column("used", moment, nullable=True),
        sa.Column("revoked", moment, nullable=True),
        sa.PrimaryKeyConstraint("alias", name="pk_tokens"),
    )
    op.create_index("ix_tokens_login", "tokens", ["login"])
    op.create_table(
        "sign_ins",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("began", moment, nullable=False),
        sa.Column("seen", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_ins"),
    )
    op.create_index("ix_sign_ins_login", "sign_ins", ["login"])
