# SPDX-License-Identifier: Apache-2.0
"""Transfers tell what series they bring while they are open only: what earlier versions wrote there
was the description as it had been received, whatever the site script made of it."""

from __future__ import annotations

from alembic import op

revision = "p0006"
down_revision = "p0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.execute("UPDATE transfers SET series = ''")
