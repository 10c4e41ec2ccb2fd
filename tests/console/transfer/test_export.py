# SPDX-License-Identifier: Apache-2.0
"""Rows as files: the three formats, what is harmless in them, and a file that is whole or not
there."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.transfer.export import (
    MOST_ROWS,
    Format,
    Sheet,
    file_name,
    harmless,
    in_windows,
    keep,
    written,
)
from engine.model.errors import Conflict, Refused
from tests.console.piloting import HOSTILE

AT = datetime(2026, 9, 11, 12, 0, tzinfo=UTC)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "＝1")


def sheet(*rows: tuple[str, ...], filter: str = "status:ready") -> Sheet:
    return Sheet(titles=("Session", "Images"), rows=rows, filter=filter, at=AT, user="mk")


def lines_of(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Take a text apart: the remarks, then the cells."""
    lines = text.splitlines(keepends=True)
    remarks = [line for line in lines if line.startswith("#")]
    return remarks, list(csv.reader(lines[len(remarks) :], delimiter=delimiter))


@pytest.mark.parametrize(("format", "delimiter"), [(Format.CSV, ","), (Format.TSV, "\t")])
def test_a_table_says_filter_time_and_user_before_its_rows(format: Format, delimiter: str) -> None:
    text = written(sheet(("MR_1", "10"), ('a "b", c', "2")), format)
    remarks, rows = lines_of(text, delimiter)
    local = AT.astimezone().isoformat(timespec="seconds")
    assert remarks == ["# filter: status:ready\n", f"# time: {local}\n", "# user: mk\n"]
    assert rows == [["Session", "Images"], ["MR_1", "10"], ['a "b", c', "2"]]


def test_json_is_one_object() -> None:
    found = json.loads(written(sheet(("MR_1", "10"), filter=""), Format.JSON))
    assert found == {
        "filter": "",
        "time": AT.astimezone().isoformat(timespec="seconds"),
        "user": "mk",
        "rows": [{"Session": "MR_1", "Images": "10"}],
    }


@pytest.mark.parametrize("format", Format)
def test_nothing_in_a_file_acts_on_a_terminal(format: Format) -> None:
    hostile = Sheet(titles=(HOSTILE, "B"), rows=[(HOSTILE, "2")], filter=HOSTILE, at=AT, user="mk")
    text = written(hostile, format)
    assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
    assert "DOE^JANE" in text
    # A line break within a cell does not begin a line of the file either.
    assert "\nz" not in text


@pytest.mark.parametrize("cell", FORMULAS)
@pytest.mark.parametrize(("format", "delimiter"), [(Format.CSV, ","), (Format.TSV, "\t")])
def test_no_cell_begins_a_formula(cell: str, format: Format, delimiter: str) -> None:
    _, rows = lines_of(written(sheet((cell, "2")), format), delimiter)
    assert rows[1] == [f"'{cell}", "2"]


def test_other_cells_stay_as_they_are() -> None:
    assert [harmless(cell) for cell in ("", "a=b", "2-1", "–", "▒▒▒▒▒▒")] == [
        *("", "a=b", "2-1", "–", "▒▒▒▒▒▒")
    ]
    [row] = json.loads(written(sheet(("=1+1", "2")), Format.JSON))["rows"]
    assert row["Session"] == "=1+1"


@pytest.mark.parametrize("filter", ["a,=cmd", 'a,"=cmd"', "a, =cmd"])
def test_no_remark_holds_a_formula(filter: str) -> None:
    remark = written(sheet(filter=filter), Format.CSV).splitlines()[0]
    [cells] = csv.reader([remark])
    assert remark.startswith("# filter: a,'")
    assert not any(cell.lstrip().startswith("=") for cell in cells)


def test_cells_are_not_cut() -> None:
    assert "x" * 5000 in written(sheet(("x" * 5000, "2")), Format.CSV)


def test_a_file_is_named_after_its_list_and_day() -> None:
    day = AT.astimezone().strftime("%Y-%m-%d")
    assert file_name("archive", AT, Format.TSV) == f"anteroom-archive-{day}.tsv"


def test_only_its_owner_may_read_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    keep("Ä\n", path, overwrite=False)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == ("Ä\n".encode(), 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced_only_when_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("mine")
    with pytest.raises(Conflict, match="is there already"):
        keep("new", path, overwrite=False)
    assert path.read_text() == "mine"
    keep("new", path, overwrite=True)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_where_no_file_can_be_written_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        keep("new", tmp_path / "nowhere" / "rows.csv", overwrite=False)


def test_a_file_system_without_second_names_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_link)
    path = tmp_path / "rows.csv"
    keep("first", path, overwrite=False)
    with pytest.raises(Conflict):
        keep("second", path, overwrite=False)
    assert path.read_text() == "first"


@dataclass(frozen=True)
class Numbers:
    """A window of a list of numbers."""

    rows: tuple[int, ...]
    total: int


async def test_a_long_list_is_fetched_window_by_window() -> None:
    asked: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []

    async def ask(offset: int, limit: int) -> Numbers:
        asked.append((offset, limit))
        return Numbers(tuple(range(offset, min(1200, offset + limit))), 1200)

    rows = await in_windows(ask, lambda one: (str(one),), lambda *now: told.append(now))
    assert rows == [(str(number),) for number in range(1200)]
    assert asked == [(0, 500), (500, 500), (1000, 500)]
    assert told == [(500, 1200), (1000, 1200), (1200, 1200)]


async def test_a_list_that_shrinks_meanwhile_ends() -> None:
    async def ask(offset: int, limit: int) -> Numbers:
        return Numbers((1, 2) if not offset else (), 3)

    assert await in_windows(ask, lambda one: (str(one),), lambda *_: None) == [("1",), ("2",)]


async def test_no_more_rows_are_fetched_than_a_file_may_have() -> None:
    async def ask(offset: int, limit: int) -> Numbers:
        return Numbers(tuple(range(limit)), 10 * MOST_ROWS)

    assert len(await in_windows(ask, lambda one: ("",), lambda *_: None)) == MOST_ROWS
