# SPDX-License-Identifier: Apache-2.0
"""The full text index over `session_search`.

The words are folded and separated by our own code, and neither database may split them again: FTS5
takes the ASCII tokenizer, PostgreSQL an array of lexemes instead of a text search configuration.
"""

from __future__ import annotations

from alembic import op

revision = "a0002"
down_revision = "a0001"
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE VIRTUAL TABLE session_search_index USING fts5(
        text, content = 'session_search', content_rowid = 'key', tokenize = 'ascii'
    )
    """,
    """
    CREATE TRIGGER session_search_added AFTER INSERT ON session_search BEGIN
        INSERT INTO session_search_index(rowid, text) VALUES (new.key, new.text);
    END
    """,
    """
    CREATE TRIGGER session_search_removed AFTER DELETE ON session_search BEGIN
        INSERT INTO session_search_index(session_search_index, rowid, text)
        VALUES ('delete', old.key, old.text);
    END
    """,
    """
    CREATE TRIGGER session_search_changed AFTER UPDATE ON session_search BEGIN
        INSERT INTO session_search_index(session_search_index, rowid, text)
        VALUES ('delete', old.key, old.text);
        INSERT INTO session_search_index(rowid, text) VALUES (new.key, new.text);
    END
    """,
)

_POSTGRESQL = (
    """
    ALTER TABLE session_search ADD COLUMN document tsvector
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(text, ' '))) STORED
    """,
    "CREATE INDEX ix_session_search_document ON session_search USING gin (document)",
)


def upgrade() -> None:
    """Bring the schema to this revision."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)
