"""The history of both schemas as Alembic revisions, one tree for each database."""
