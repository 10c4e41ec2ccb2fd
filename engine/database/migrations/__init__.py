# SPDX-License-Identifier: Apache-2.0
"""The history of both schemas as Alembic revisions, one tree for each database."""
