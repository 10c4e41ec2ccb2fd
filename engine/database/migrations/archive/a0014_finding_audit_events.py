# SPDX-License-Identifier: Apache-2.0
"""Columns and indexes to find events of the audit chain by. The hashes cover what they covered; the
new columns are copies of it. Their words are separated here as the program of that time does it."""

from __future__ import annotations

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "a0014"
down_revision = "a0013"
branch_labels = None
depends_on = None

_BATCH = 1_000

_SQLITE = (
    """
    CREATE VIRTUAL TABLE audit_index USING fts5(
        words, content = '', tokenize = 'ascii', detail = none
    )
    """,
    "INSERT INTO audit_index(rowid, words) SELECT number, words FROM audit ORDER BY number",
    """
    CREATE TRIGGER audit_indexed AFTER INSERT ON audit BEGIN
        INSERT INTO audit_index(rowid, words) VALUES (new.number, new.words);
    END
    """,
    """
    CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit trail is append-only');
    END
    """,
)

_POSTGRESQL = (
    """
    ALTER TABLE audit ADD COLUMN document tsvector
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED
    """,
    "CREATE INDEX ix_audit_document ON audit USING gin (document)",
    "ALTER TABLE audit ENABLE TRIGGER audit_not_changed",
)


def upgrade() -> None:
    """Bring the schema to this revision."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    empty = sa.text("''")
    op.add_column(
        "audit", sa.Column("project", sa.String(length=64), nullable=False, server_default=empty)
    )
    op.add_column("audit", sa.Column("words", sa.Text(), nullable=False, server_default=empty))
    if sqlite:
        op.execute("DROP TRIGGER audit_not_changed")
    else:
        op.execute("ALTER TABLE audit DISABLE TRIGGER audit_not_changed")
    _fill()
    op.drop_index("ix_audit_object", table_name="audit")
    for name in ("actor", "action", "object", "project", "at"):
        op.create_index(f"ix_audit_{name}_number", "audit", [name, "number"])
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)


def _fill() -> None:
    connection, last = op.get_bind(), 0
    read = sa.text(
        "SELECT number, action, object, detail FROM audit WHERE number > :last"
        f" ORDER BY number LIMIT {_BATCH}"
    )
    write = sa.text("UPDATE audit SET project = :project, words = :words WHERE number = :number")
    while rows := connection.execute(read, {"last": last}).all():
        connection.execute(write, [_copied(*row) for row in rows])
        last = rows[-1].number


def _copied(number: int, action: str, object: str, detail: str) -> dict[str, object]:
    values = json.loads(detail)
    project = values.get("project")
    if not isinstance(project, str):
        project = object if action.endswith(" project") else ""
    reason = values.get("reason")
    said = f"{action} {object} {reason if isinstance(reason, str) else ''}"
    return {"number": number, "project": project[:64], "words": " ".join(_words(said))}


def _words(value: str) -> list[str]:
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", value.casefold())
        if not unicodedata.combining(character)
    ).casefold()
    spaced = "".join(character if character.isalnum() else " " for character in plain)
    return list(dict.fromkeys(word[:64] for word in spaced.split()))
