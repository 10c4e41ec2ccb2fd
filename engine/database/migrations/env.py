# SPDX-License-Identifier: Apache-2.0
"""Alembic's environment for both trees of revisions: which tables belong to a tree, and how its
revisions run. The connection comes from `engine.database.migration`, or from `-x url=` when a
revision is being written."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DateTime
from sqlalchemy.engine import Connection

from engine.database.columns import BigKey, Document, Moment
from engine.database.migration import SECTIONS, connect

_RENDERED: tuple[tuple[object, str], ...] = (
    (BigKey, 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'),
    (Document, 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'),
)


def _render(kind: str, value: object, _context: AutogenContext) -> str | Literal[False]:
    """Write the project's column types in terms of SQLAlchemy's: a revision imports no model."""
    if kind != "type":
        return False
    if isinstance(value, Moment | DateTime):
        return "sa.DateTime(timezone=True)"
    return next((text for known, text in _RENDERED if value is known), False)


def _ours(_object: object, _name: str | None, kind: str, reflected: bool, twin: Any) -> bool:
    """Leave alone what no model knows: dbos's tables and the full text index."""
    return not (reflected and twin is None and kind in ("table", "column", "index"))


def _run(connection: Connection) -> None:
    section = SECTIONS[context.config.config_ini_section]
    context.configure(
        connection=connection,
        target_metadata=section.metadata,
        version_table=section.version_table,
        include_object=_ours,
        render_item=_render,
        render_as_batch=True,
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    # A revision is being written: it is compared with the tables, which stand on a higher floor.
    for tables in ("engine.prearchive.tables", "engine.archive.tables"):
        import_module(tables)
    with connect(context.get_x_argument(as_dictionary=True)["url"]) as opened:
        _run(opened)
