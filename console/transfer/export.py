# SPDX-License-Identifier: Apache-2.0
"""Rows of a list as a file: CSV, TSV or JSON, with the rows as they are shown, preceded by the
filter, the time and the user. It asks nobody; screens supply the rows."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from console.transfer.windows import Page, pages
from console.views.text import plain_text
from engine.model.errors import Conflict, Refused

MOST_ROWS = 100_000
WINDOW = 500
"""Rows that are asked for at once."""

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a program for tables takes for the beginning of a formula."""

Cells = tuple[str, ...]
Told = Callable[[int, int], None]
"""Is told how many rows are there, and of how many."""

Item = TypeVar("Item")


class Format(StrEnum):
    """What is written."""

    CSV = "csv"
    TSV = "tsv"
    JSON = "json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exportable:
    """What a screen offers to write."""

    name: str
    """Of the list, as the file is called and as the audit trail has it."""
    titles: Cells
    rows: Sequence[Cells] | Callable[[Told], Awaitable[Sequence[Cells]]]
    """The rows, or what fetches them."""
    says: str = ""
    """The filter that holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """Rows, and what has to be known of them."""

    titles: Cells
    rows: Sequence[Cells]
    filter: str
    at: datetime
    user: str


async def in_windows(
    ask: Callable[[int, int], Awaitable[Page[Item]]], shown: Callable[[Item], Cells], told: Told
) -> list[Cells]:
    """Fetch the rows of a list window by window, `MOST_ROWS` at most."""
    rows: list[Cells] = []
    async for page in pages(ask, window=WINDOW, limit=MOST_ROWS):
        rows += [shown(one) for one in page.rows]
        told(len(rows), min(page.total, MOST_ROWS))
    return rows


def file_name(name: str, at: datetime, ending: str) -> str:
    """Return what a file is called that nobody has named."""
    return f"anteroom-{name}-{at.astimezone():%Y-%m-%d}.{ending}"


def written(sheet: Sheet, format: Format) -> str:
    """Write rows as a text.

    In CSV and TSV an apostrophe goes before each cell that a program for tables would take for a
    formula; JSON has every cell as it is shown.
    """
    facts = {
        "filter": plain_text(sheet.filter),
        "time": sheet.at.astimezone().isoformat(timespec="seconds"),
        "user": plain_text(sheet.user),
    }
    titles = [plain_text(title) or str(place) for place, title in enumerate(sheet.titles, 1)]
    rows = [[plain_text(cell) for cell in row] for row in sheet.rows]
    if format is Format.JSON:
        named = [dict(zip(titles, row, strict=True)) for row in rows]
        return json.dumps(facts | {"rows": named}, indent=1, ensure_ascii=False) + "\n"
    delimiter = "," if format is Format.CSV else "\t"
    text = io.StringIO()
    for name, fact in facts.items():
        text.write(f"# {name}: {_remark(fact or 'none', delimiter)}\n")
    table = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    table.writerows([harmless(cell) for cell in row] for row in (titles, *rows))
    return text.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that no program for tables takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell


def keep(text: str | bytes, path: Path, *, overwrite: bool) -> None:
    """Write a text, or bytes, to a file that only its owner may read; it is whole or not there.

    Raises:
        Conflict: the file is there already, and is not to be overwritten.
        Refused: it cannot be written.
    """
    draft = path.with_name(f".{token_hex(8)}.part")
    try:
        try:
            _write(draft, text)
            if overwrite:
                draft.replace(path)
            else:
                _name(draft, path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    except FileExistsError as error:
        raise Conflict(
            f"{path} is there already", hint="give another name, or say that it is replaced"
        ) from error
    except OSError as error:
        raise Refused(
            f"{path} cannot be written: {error.strerror}",
            hint="check the folder, its disk space and its permissions",
        ) from error


def _write(draft: Path, text: str | bytes) -> None:
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(text.encode() if isinstance(text, str) else text)
        opened.flush()
        os.fsync(opened.fileno())


def _name(draft: Path, path: Path) -> None:
    """Rename a draft to its final name, unless something has it."""
    try:
        # Unlike a rename this fails if the name is taken, even by a concurrent writer.
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems know no second name.
        if os.path.lexists(path):
            raise FileExistsError from None
        draft.replace(path)


def _remark(text: str, delimiter: str) -> str:
    """Return the text of a remark, in which a spreadsheet finds no formulas either."""
    first, *others = text.split(delimiter)
    guarded = (f"'{one}" if one.lstrip().startswith('"') else harmless(one) for one in others)
    return delimiter.join((first, *guarded))
