# SPDX-License-Identifier: Apache-2.0
"""Full-text search over filed sessions, the same on both databases. Words are folded and separated
here, so that FTS5 and PostgreSQL cannot differ in what a word is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, column, false, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import ArchivedSessionRow, SearchRow
from engine.model.filters import MOST_WORDS, check_count, check_length

_WORD_LENGTH = 64
_WORDS = 20_000
"""PostgreSQL holds a megabyte of words for a row."""


def words(value: str) -> list[str]:
    """Return the words of a text, each once: letters and digits without case and accents."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", value.casefold())
        if not unicodedata.combining(character)
    ).casefold()
    spaced = "".join(character if character.isalnum() else " " for character in plain)
    return list(dict.fromkeys(word[:_WORD_LENGTH] for word in spaced.split()))


def searchable(values: Iterable[str]) -> str:
    """Return what `session_search` stores for these texts."""
    return " ".join(words(" ".join(values))[:_WORDS])


def matching(session: AsyncSession, value: str) -> ColumnElement[bool]:
    """Return the condition that each word of `value` begins some word of the session.

    Whatever people type is safe: only letters and digits reach the database's query language.
    """
    check_length(value)
    wanted = words(value)
    check_count(len(wanted), MOST_WORDS, "words")
    if not wanted:
        return false()
    if session.get_bind().dialect.name == "sqlite":
        phrase = " ".join(f'"{word}"*' for word in wanted)
        index = table("session_search_index", column("rowid"))
        found = select(index.c.rowid).where(
            text("session_search_index MATCH :phrase").bindparams(phrase=phrase)
        )
    else:
        phrase = " & ".join(f"'{word}':*" for word in wanted)
        found = select(SearchRow.key).where(
            text("document @@ CAST(:phrase AS tsquery)").bindparams(phrase=phrase)
        )
    return ArchivedSessionRow.key.in_(found)
