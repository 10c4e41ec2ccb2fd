# SPDX-License-Identifier: Apache-2.0
"""A deleted session as a row of the trash, and the question before it is restored. Pure."""

from __future__ import annotations

import shlex

from console.views import figures
from console.views.masking import ShownTrash
from console.views.question import Question, reason
from console.views.rows import UNASSIGNED, Row, TableColumn
from engine.model.contents import Tombstone

COLUMNS = (
    TableColumn(title="Deleted", width=16),
    TableColumn(title="Who", width=9, priority=1),
    TableColumn(title="What", width=20, grows=True),
    TableColumn(title="Objects", width=7, right=True, priority=2),
    TableColumn(title="Until", width=10),
)


def row(one: ShownTrash) -> Row:
    """Show one deleted session."""
    return Row(
        key=one.id,
        cells=(
            figures.moment(one.deleted)[:16],
            one.by or "–",
            described(one),
            figures.grouped(one.objects),
            figures.moment(one.until)[:10],
        ),
    )


def gone(left: Tombstone) -> Row:
    """Show what is left of a session that was removed for good."""
    deleted = figures.moment(left.deleted)[:16] if left.deleted else "–"
    return Row(
        key=left.id,
        cells=(
            deleted,
            left.by or "–",
            f"{left.project or UNASSIGNED} / {left.id}",
            figures.grouped(left.objects),
            "gone",
        ),
        tone="dim",
        tones=tuple((column, "dim") for column in range(1, len(COLUMNS))),
    )


def gone_in_words(left: Tombstone) -> str:
    """Say who removed a session for good, when and why."""
    why = f": {left.reason}" if left.reason else ""
    return f"{left.id} was removed for good {figures.moment(left.gone)[:16]} by {left.gone_by}{why}"


def described(one: ShownTrash) -> str:
    """Say which session it was."""
    return f"{one.project or UNASSIGNED} / {one.subject or '–'} / {one.label}"


def question(one: ShownTrash) -> Question:
    """Make the question before a session is put back."""
    files = figures.plural(one.objects, "object")
    return Question(
        title="Put a session back into the prearchive?",
        act="Put it back",
        rows=(f"{described(one)}   {files}, {figures.size(one.bytes)}",),
        says=("Its folder, its log and its row come back; its status is found anew.",),
        fields=(reason(needed=False),),
        command=lambda given: command(one.id, given.get("reason", "")),
    )


def command(id: str, why: str = "") -> str:
    """Return the command that puts a session back."""
    words = ["anteroom", "trash", "restore", id]
    return shlex.join([*words, "--reason", why] if why else words)
