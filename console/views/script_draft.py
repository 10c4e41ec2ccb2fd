# SPDX-License-Identifier: Apache-2.0
"""A script that is edited: its draft, its problems, its versions as rows, and what is asked before
one of them becomes the active one. Pure; what the script says is not known here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from console.views import figures
from console.views.question import Question, reason
from console.views.rows import Row, TableColumn
from console.views.scripts import command, owner, when
from console.views.text import plain_text
from engine.model.remarks import Remark, Severity
from engine.model.scripts import (
    MigratedScript,
    ScriptSummary,
    ScriptText,
    WaitingForScript,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptDraft:
    """A script as somebody has edited it, not saved yet."""

    scope: str
    version: int
    """The version that the edit began with."""
    id: str
    """That of the version: another engine has others."""
    text: str
    lookups: str


_LINE_END = re.compile(r"\r\n|\r|\n")


def tidy(text: str) -> str:
    """Return a script whose lines are harmless to draw, with one kind of line end; tabs stay."""
    return "\n".join(
        "\t".join(plain_text(piece) for piece in line.split("\t")) for line in _LINE_END.split(text)
    )


def altered(text: str) -> bool:
    """Whether a script has signs that cannot be drawn, so that others stand for them."""
    return tidy(text) != "\n".join(_LINE_END.split(text))


def edited(before: str, after: str) -> int:
    """Count the lines that differ; `before` as it was stored."""
    old, new = tidy(before).split("\n"), after.split("\n")
    # What is the same at both ends is most of it, and would be most of the work.
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    same = next((at for at in range(least - start) if old[-1 - at] != new[-1 - at]), least - start)
    old, new = old[start : len(old) - same], new[start : len(new) - same]
    if not old or not new:
        return max(len(old), len(new))
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > 400)
    return sum(
        max(old_end - old_at, new_end - new_at)
        for kind, old_at, old_end, new_at, new_end in matcher.get_opcodes()
        if kind != "equal"
    )


def differing(lines: int, version: int) -> str:
    """Say how far a draft is from the version that it began with."""
    verb = "differs" if lines == 1 else "differ"
    return f"{figures.plural(lines, 'line')} {verb} from v{version}"


def draft_name(versions: Sequence[ScriptSummary]) -> str:
    """Say what the version would be called that is saved next."""
    return f"v{max((one.version for one in versions), default=0) + 1}"


VERSION_COLUMNS = (
    TableColumn(title="Version", width=8),
    TableColumn(title="When", width=16, priority=1),
    TableColumn(title="Author", width=7, priority=2),
    TableColumn(title="Reason", width=8, grows=True),
)
DRAFT = "draft"


def version_rows(versions: Sequence[ScriptSummary], edited: int, base: int) -> list[Row]:
    """Show the versions of a script, above them the draft where lines of it are edited."""
    rows = []
    if edited:
        cells = (f"~ {DRAFT}", "", "", differing(edited, base))
        rows.append(Row(key=DRAFT, cells=cells, tone="look"))
    for one in versions:
        sign = "●" if one.active else " "
        rows.append(
            Row(
                key=str(one.version),
                cells=(
                    f"{sign} v{one.version}",
                    figures.moment(one.at)[:16],
                    one.author,
                    one.reason,
                ),
                tone="good" if one.active and one.enabled else "plain",
            )
        )
    return rows


PROBLEM_COLUMNS = (
    TableColumn(title="Line", width=8, right=True),
    TableColumn(title="Problem", width=20, grows=True),
)


def problem_row(number: int, one: Remark) -> Row:
    """Show one problem."""
    bad = one.severity is Severity.ERROR
    sign, tone = ("✗", "bad") if bad else ("!", "look")
    where = "table" if one.path else f"{one.line}:{one.column}"
    return Row(key=str(number), cells=(f"{sign} {where}", one.message), tone=tone)


def counted(remarks: Sequence[Remark]) -> str:
    """Say how many problems there are; empty for none."""
    errors = sum(one.severity is Severity.ERROR for one in remarks)
    warnings = len(remarks) - errors
    said = [figures.plural(errors, "error")] if errors else []
    said += [figures.plural(warnings, "warning")] if warnings else []
    return " · ".join(said)


def next_problem(remarks: Sequence[Remark], place: tuple[int, int], direction: int) -> int | None:
    """Return which problem comes next (1) or before (-1) from a place, round the ends; None where
    there is none."""
    own = [number for number, one in enumerate(remarks) if not one.path]
    own.sort(key=lambda number: (remarks[number].line, remarks[number].column))
    if not own:
        return None
    ahead = [
        number
        for number in own
        if ((remarks[number].line, remarks[number].column) > place) == (direction > 0)
        and (remarks[number].line, remarks[number].column) != place
    ]
    if direction > 0:
        return ahead[0] if ahead else own[0]
    return ahead[-1] if ahead else own[-1]


def saving(
    base: ScriptText,
    now: ScriptText,
    draft: ScriptDraft,
    warnings: int,
    waiting: WaitingForScript | None = None,
    worse: str = "",
) -> Question:
    """Ask before a draft becomes the next version, over the one that is active `now`; `waiting`
    tells what that means for sessions that wait, `worse` which samples it makes worse."""
    count = edited(base.text, draft.text)
    meanwhile = now.version != base.version
    whose = owner(now.scope)
    rows = [f"{figures.plural(count, 'line')} of the script edited, on v{base.version}"]
    if draft.lookups != base.lookups:
        rows.append("the lookup table is another one")
    if warnings:
        rows.append(f"{figures.plural(warnings, 'warning')}: read them first")
    if meanwhile and worse:
        rows.append(worse)
    held = now.enabled or not now.version
    runs = when(now.scope)
    return Question(
        title=f"Save a new version: script of {whose}",
        act="Save",
        rows=tuple(rows),
        says=(
            f"It runs at once: {runs}." if held else "The script is off, and stays off.",
            "What is here already stays as it is. Every version is kept.",
            *((str(waiting),) if waiting is not None and waiting.sessions else ()),
        ),
        warning=(
            f"v{now.version} by {now.author} was saved meanwhile: this one replaces it"
            if meanwhile
            else worse
        ),
        fields=(reason(needed=True),),
        command=lambda given: command(
            "set", now.scope, "FILE", *(["--reason", given["reason"]] if given["reason"] else [])
        ),
    )


def bringing_back(one: ScriptSummary, now: ScriptSummary) -> Question:
    """Ask before an earlier version becomes the active one again."""
    return Question(
        title=f"Bring back v{one.version} of the script of {owner(one.scope)}?",
        act="Bring it back",
        keep=f"Keep v{now.version}",
        rows=(f"v{one.version} by {one.author}, {figures.moment(one.at)[:16]}", one.reason),
        says=(
            f"It takes the place of v{now.version} from now on: {when(one.scope)}."
            if now.enabled
            else "The script is off, and stays off.",
            "It has the lookup table that was saved with it. Every version is kept.",
        ),
        fields=(reason(needed=True),),
        command=lambda given: command(
            "activate",
            one.scope,
            str(one.version),
            *(["--reason", given["reason"]] if given["reason"] else []),
        ),
    )


def dropping(draft: ScriptDraft, edited: int) -> Question:
    """Ask before a draft is dropped."""
    return Question(
        title=f"Drop the draft: script of {owner(draft.scope)}",
        act="Drop it",
        keep="Keep it",
        rows=(f"{figures.plural(edited, 'line')} edited, not saved",),
        says=("It is gone then; the versions stay as they are.",),
        danger=True,
        local=True,
    )


def migrating(turned: MigratedScript) -> Question:
    """Ask before a text of version 4.2 becomes one of version 6 in the editor."""
    rows = tuple(f"line {one.line}: {one.message}" for one in turned.remarks)
    errors = sum(one.severity is Severity.ERROR for one in turned.remarks)
    statements = figures.plural(errors, "statement")
    return Question(
        title="Turn the text into DicomEdit 6?",
        act="Turn it",
        rows=rows,
        says=(
            "The draft is another text then; ctrl+z takes it back. Nothing is saved.",
            "A dry run (F5) says whether it does the same as the version in force.",
        ),
        warning=f"{statements} cannot be turned: left in the text as comments" if errors else "",
        local=True,
    )
