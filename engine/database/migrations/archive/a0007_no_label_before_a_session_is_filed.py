# SPDX-License-Identifier: Apache-2.0
"""A session that is being archived is named by its prearchive id only, and gets its accession ID
with the transaction that files it. The IDs of jobs that are under way stay theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0007"
down_revision = "a0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.execute("UPDATE filings SET label = origin")
    with op.batch_alter_table("filings") as table:
        table.drop_constraint("uq_filings_project_label", type_="unique")
        table.drop_column("label")
        table.alter_column("accession", existing_type=sa.String(length=64), nullable=True)
