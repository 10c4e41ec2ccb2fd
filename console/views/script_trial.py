# SPDX-License-Identifier: Apache-2.0
"""The dry run of a script that is edited: what it would make of each element of a session, beside
what the version in force makes of it. Pure; values are masked by whoever asks for rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.views import changes, figures
from console.views.masking import Masks
from console.views.rows import Row, TableColumn
from engine.model.changes import Change, ChangeKind, FoldedChange, ScriptOutcome, SessionChanges
from engine.model.prearchive import PrearchiveSession
from engine.model.scripts import SITE
from engine.model.trials import Standing, Trial, TrialFailure, TrialRow

COLUMNS = (
    TableColumn(title="  Tag", width=12),
    TableColumn(title="Name", width=12, priority=1),
    TableColumn(title="in force → draft", width=14, grows=True),
)

FAULT, STOPPED, SUM = "fault ", "stopped", "sum"
"""What the keys of rows that are no elements begin with."""

_SIGNS = {
    Standing.SAME: ("=", "dim"),
    Standing.OTHER: ("~", "look"),
    Standing.NEW: ("+", "good"),
    Standing.GONE: ("-", "bad"),
}
_WORDS = (
    (Standing.OTHER, "other"),
    (Standing.NEW, "new"),
    (Standing.GONE, "gone"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A dry run that was made."""

    session: PrearchiveSession
    text: str
    told: Trial


def masked(tried: Tried, masks: Masks) -> Trial:
    """Return what may be shown of a dry run now. The script of the site may have seen what the
    scanner sent."""
    originals = tried.told.scope == SITE

    def of(rows: Sequence[FoldedChange]) -> tuple[FoldedChange, ...]:
        told = SessionChanges(rows=tuple(rows))
        return masks.changes(told, tried.session, originals=originals).rows

    rows = of([one.row for one in tried.told.rows])
    others = of(
        [FoldedChange(change=one.was or one.row.change, files=0) for one in tried.told.rows]
    )
    shown = [
        replace(one, row=row, was=other.change if one.was is not None else None)
        for one, row, other in zip(tried.told.rows, rows, others, strict=True)
    ]
    if not masks.hides(tried.session):
        return replace(tried.told, rows=tuple(shown))
    failures = tuple(replace(one, named=()) for one in tried.told.failures)
    return replace(tried.told, rows=tuple(shown), failures=failures)


def key(one: TrialRow) -> str:
    """Return the key of a row."""
    return f"{one.standing.value}|{changes.key(one.row)}"


def rows(told: Trial, *, same: bool = False) -> list[Row]:
    """Show a dry run: how it failed, then what differs from the version in force, with `same` also
    what does not."""
    shown = [_stopped(told)] if told.stopped else []
    shown += [_failure(place, one) for place, one in enumerate(told.failures)]
    shown += [_row(one) for one in told.rows if same or differs(one)]
    if told.read:
        shown.append(_sum(told))
    return shown


def differs(one: TrialRow) -> bool:
    """Whether the draft makes something else of the element than the version in force."""
    return one.standing is not Standing.SAME


def in_words(one: TrialRow) -> str:
    """Say what becomes of an element by the version in force, and by the draft."""
    draft = _result(one.row.change)
    match one.standing:
        case Standing.SAME:
            return draft
        case Standing.NEW:
            return f"stays → {draft}"
        case Standing.GONE:
            return f"{draft} → stays"
        case Standing.OTHER:
            return f"{_result(one.was) if one.was is not None else '?'} → {draft}"


def card(one: TrialRow, told: Trial) -> list[tuple[str, str]]:
    """Tell all of one element, for reading."""
    version = f"v{told.version}" if told.version else "in force"
    lines = changes.card(one.row, told.read)
    if one.standing is Standing.GONE:
        lines = [("Draft", "leaves it as it is"), *lines]
    elif one.was is not None:
        lines += [(version, f"{_result(one.was)}, {one.was.statement}")]
    elif one.standing is Standing.NEW:
        lines += [(version, "leaves it as it is")]
    return lines


def title(tried: Tried, label: str, now: str) -> str:
    """Say what was tried on what, and whether the text is another one by now."""
    earlier = "" if tried.text == now else " · of an earlier text"
    return f"Dry run · {label}{earlier}"


def summary(told: Trial) -> str:
    """Say how the draft stands to the version in force."""
    if told.stopped:
        return "stopped"
    found = told.standings
    pieces = [f"{figures.grouped(found[kind])} {word}" for kind, word in _WORDS if found[kind]]
    same = found[Standing.SAME]
    hint = f" · {figures.grouped(same)} same (=)" if same else ""
    return (", ".join(pieces) or "nothing differs") + hint


def outcomes(told: Trial) -> str:
    """Say what becomes of how many files of each modality."""
    said = []
    for kind in told.kinds:
        counts = ", ".join(
            f"{figures.grouped(count)} {outcome}" for outcome, count in kind.tried.items() if count
        )
        said.append(f"{kind.modality or '?'} {counts}")
    return "; ".join(said)


def fault_of(told: Trial, key: str) -> tuple[int, int] | None:
    """Return line and column of the fault that a row is about; None for other rows."""
    if not key.startswith(FAULT):
        return None
    problem = told.failures[int(key.removeprefix(FAULT))].problem
    return (problem.line, max(1, problem.column)) if problem.line else None


def line_of(one: TrialRow) -> int:
    """Return the line of the draft that does it; 0 where none does."""
    return 0 if one.standing is Standing.GONE else one.row.change.statement.line


def went_wrong(told: Trial) -> bool:
    """Whether some file fails, or the whole was stopped."""
    return bool(told.stopped or told.failures or told.outcomes[ScriptOutcome.ERROR])


def _result(change: Change) -> str:
    match change.kind:
        case ChangeKind.REJECTED:
            return "left out"
        case ChangeKind.PIXELS:
            return f"pixels {change.after}"
        case ChangeKind.REMOVED:
            return "removed"
        case ChangeKind.EMPTIED:
            return "empty"
        case _:
            return change.after or "empty"


def _row(one: TrialRow) -> Row:
    sign, tone = _SIGNS[one.standing]
    change = one.row.change
    tag = change.path.rpartition("(")[2].rstrip(")") or "object"
    depth = "›" * min(change.path.count("["), 2)
    cells = (f"{sign} {depth}{tag}", change.name or "?", in_words(one))
    quiet = one.standing is Standing.SAME
    tones = ((1, "dim"), (2, "dim")) if quiet else ((1, "dim"),)
    return Row(key=key(one), cells=cells, tone=tone, tones=tones)


def _failure(place: int, one: TrialFailure) -> Row:
    where = f"{one.problem.line}:{one.problem.column}" if one.problem.line else "fails"
    files = figures.plural(one.files, "file")
    return Row(
        key=f"{FAULT}{place}",
        cells=(f"✗ {where}", files, one.problem.message),
        tone="bad",
    )


def _stopped(told: Trial) -> Row:
    return Row(key=STOPPED, cells=("✗ stopped", "", told.stopped), tone="bad")


def _sum(told: Trial) -> Row:
    of = f" of {figures.grouped(told.files)}" if told.read < told.files else ""
    files = f"{figures.grouped(told.read)}{of} files" if told.read != 1 or of else "1 file"
    return Row(key=SUM, cells=("", files, outcomes(told)), tone="dim", tones=((2, "dim"),))
