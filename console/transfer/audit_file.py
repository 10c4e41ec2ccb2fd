# SPDX-License-Identifier: Apache-2.0
"""Events of the audit trail as a file, however many they are: CSV, or a JSON object a line. They
are written as they come, oldest first, and the file is whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Protocol

import msgspec

from console.transfer.export import harmless
from console.views.text import plain_text
from engine.model.archive import AuditEvent, AuditPage, AuditQuery
from engine.model.errors import Conflict, Refused

WINDOW = 1_000
"""Events that are asked for at once."""

TITLES = ("number", "at", "actor", "action", "object", "project", "detail", "hash")

Form = Callable[[Sequence[AuditEvent], bool], str]
"""Writes events; is told whether they are the first."""


class Find(Protocol):
    """What gives pages of the trail."""

    async def __call__(
        self,
        query: AuditQuery,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage: ...


async def export(
    find: Find, query: AuditQuery, form: Form, file: IO[str], told: Callable[[int], None]
) -> int:
    """Write every event that a query finds, and return how many; what happens meanwhile comes in
    as well."""
    count = last = 0
    while True:
        page = await find(query, after=last, limit=WINDOW)
        events = page.rows[::-1]
        file.write(form(events, count == 0))
        count += len(events)
        told(count)
        if len(events) < WINDOW:
            return count
        last = events[-1].number


def as_json(events: Sequence[AuditEvent], first: bool) -> str:
    """Write events as JSON, one a line; only ASCII, so that no terminal acts on it."""
    return "".join(json.dumps(msgspec.to_builtins(event)) + "\n" for event in events)


def as_csv(events: Sequence[AuditEvent], first: bool) -> str:
    """Write events as CSV; no cell is one that a program for tables takes for a formula."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    if first:
        table.writerow(TITLES)
    for event in events:
        detail = json.dumps(event.detail, sort_keys=True) if event.detail else ""
        at = event.at.isoformat(timespec="microseconds")
        words = (at, event.actor, event.action, event.object, event.project, detail, event.hash)
        table.writerow([event.number, *(harmless(plain_text(word)) for word in words)])
    return text.getvalue()


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """Open a file that only its owner may read, and give it its name once all is written.

    Raises:
        Conflict: the file is there already.
        Refused: it cannot be written.
    """
    draft = path.with_name(f".{token_hex(8)}.part")
    try:
        if os.path.lexists(path):
            raise FileExistsError
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename this fails if somebody has taken the name meanwhile.
            path.hardlink_to(draft)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    except FileExistsError as error:
        raise Conflict(f"{path} is there already", hint="give another name") from error
    except OSError as error:
        raise Refused(
            f"{path} cannot be written: {error.strerror}",
            hint="check the folder, its disk space and its permissions",
        ) from error
