# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of sessions as marks under a key: whoever types one finds the sessions that
have it, and whoever reads the table finds nothing."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.errors import Unavailable
from engine.prearchive.desk_tables import NameMarkRow
from engine.storage.key_file import read_or_make

FILE = ".names.key"
"""The key, below the prearchive: all nodes of one prearchive have the same."""

_DIGITS = 32


class NameMarks:
    """Makes marks under one key."""

    def __init__(self, key: bytes = b"") -> None:
        """Use a key; without one there is nothing that this finds later."""
        self._key = key or secrets.token_bytes(32)

    def mark(self, kind: str, value: str) -> str:
        """Return the mark of a name or number."""
        return hmac.new(self._key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[
            :_DIGITS
        ]


def opened(prearchive: Path) -> NameMarks:
    """Return what marks names, under the key of the prearchive.

    Raises:
        Unavailable: if the key cannot be had.
    """
    path = prearchive / FILE
    try:
        key = read_or_make(path)
    except OSError as error:
        raise Unavailable(
            f"the key of names {path} cannot be had: {os.strerror(error.errno or 0)}",
            hint="the user that runs the engine has to be able to read and write it",
        ) from error
    if not key:
        raise Unavailable(
            f"{path} holds no key",
            hint="move it away: a new one is made, and sessions are found by name again once they "
            "have been built anew",
        )
    return NameMarks(key)


async def replace(session: AsyncSession, id: str, marks: Collection[str]) -> None:
    """Let a session have these marks and no others."""
    there = set(await session.scalars(select(NameMarkRow.mark).where(NameMarkRow.session == id)))
    if gone := there - set(marks):
        await session.execute(
            delete(NameMarkRow).where(NameMarkRow.session == id, NameMarkRow.mark.in_(gone))
        )
    if new := set(marks) - there:
        rows = [{"mark": mark, "session": id} for mark in sorted(new)]
        await session.execute(insert(NameMarkRow), rows)


async def of(session: AsyncSession, id: str) -> set[str]:
    """Return the marks of a session."""
    return set(await session.scalars(select(NameMarkRow.mark).where(NameMarkRow.session == id)))


async def find(session: AsyncSession, marks: Iterable[str]) -> list[str]:
    """Return the sessions that have one of these marks."""
    query = select(NameMarkRow.session).where(NameMarkRow.mark.in_(list(marks))).distinct()
    return list(await session.scalars(query.order_by(NameMarkRow.session)))
