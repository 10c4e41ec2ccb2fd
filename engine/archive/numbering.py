# SPDX-License-Identifier: Apache-2.0
"""Accession IDs: `{SITE}_E00001` for experiments, `_S` for subjects, `_V` for visits. A number is
never reused, even if the object that it named is deleted."""

from __future__ import annotations

import re
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import NumberRow
from engine.database.connection import insert_into
from engine.model.errors import InvalidInput

_DROPPED = re.compile(r"[\s\"'^]")


class AccessionKind(StrEnum):
    """What an accession ID names."""

    EXPERIMENT = "E"
    SUBJECT = "S"
    VISIT = "V"


def site_prefix(site: str) -> str:
    """Return the first part of the IDs of a site.

    Raises:
        InvalidInput: nothing is left of the site ID.
    """
    prefix = _DROPPED.sub("", site).replace("-", "_")
    if not prefix:
        raise InvalidInput("the site ID is empty", hint="set a site ID of letters and digits")
    return prefix


async def next_id(session: AsyncSession, site: str, kind: AccessionKind) -> str:
    """Return the next ID of a kind; the row stays locked until the transaction ends."""
    number = await session.scalar(
        insert_into(session, NumberRow)
        .values(kind=kind.value, last=1)
        .on_conflict_do_update(index_elements=[NumberRow.kind], set_={"last": NumberRow.last + 1})
        .returning(NumberRow.last)
    )
    return f"{site_prefix(site)}_{kind.value}{number:05d}"
