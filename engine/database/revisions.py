# SPDX-License-Identifier: Apache-2.0
"""Alembic's side of a migration. It takes long to load, and a start finds nothing to do almost
always: only `migration.py`, and only where a database is not at its newest revision, imports
this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    from engine.database.migration import Section


def alembic_config(section: Section) -> Config:
    """Return Alembic's configuration for one tree of revisions."""
    config = Config(ini_section=section.name)
    config.set_main_option("script_location", str(section.folder.parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(section.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def known(section: Section) -> set[str]:
    """Name all revisions."""
    scripts = ScriptDirectory.from_config(alembic_config(section))
    return {script.revision for script in scripts.walk_revisions()}


def current(connection: Connection, section: Section) -> str:
    """Return the revision of a database; empty for a new one."""
    context = MigrationContext.configure(connection, opts={"version_table": section.version_table})
    return context.get_current_revision() or ""


def bring_up(connection: Connection, section: Section) -> None:
    """Run what is missing."""
    config = alembic_config(section)
    config.attributes["connection"] = connection
    upgrade(config, "head")
