# SPDX-License-Identifier: Apache-2.0
"""Checks in a process of their own: what they say is what the checks say, and one that does not end
is stopped, is told as an error, and costs the next one nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.anonymize.check_guard import CheckGuard
from engine.anonymize.language.check import check
from engine.anonymize.language.lookups import read_table
from engine.model.remarks import Severity

LONG = 'version "6.6"\n' + "\n".join(f'(0010,{n:04X}) ~ "(a*)*b" ? echo "x"' for n in range(1200))


@pytest.fixture(scope="module")
def guard() -> Iterator[CheckGuard]:
    guard = CheckGuard()
    yield guard
    guard.close()


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("", ""),
        ('version "6.7"\n- (0010\nx := y\n', ""),
        ("x := \ud800“\x1b", "a/b = c\nno entry\n"),
        (LONG, ""),
        ('version "6.7"\nx := ' + "{" * 20_000, ""),
    ],
)
def test_it_says_what_the_checks_say(guard: CheckGuard, text: str, table: str) -> None:
    assert guard.check(text, table) == (check(text), read_table(table)[1])


def served(folder: Path, work: str) -> tuple[str, ...]:
    """Return the command of a helper whose checks do something else first."""
    program = folder / "server.py"
    program.write_text(
        "import runpy, sys\n"
        "from engine.anonymize import check_worker\n"
        "inner = check_worker.check\n"
        "def outer(text):\n"
        f"    if text == 'bad':\n        {work}\n"
        "    return inner(text)\n"
        "check_worker.check = outer\n"
        "runpy.run_module('engine.sandbox.server', run_name='__main__')\n"
    )
    return (sys.executable, str(program))


@pytest.mark.parametrize(
    ("work", "told"),
    [
        ("while True: pass", "too much processor time"),
        ("x = bytearray(2 ** 34)", "more memory"),
        ("import os; os._exit(1)", "limits of the helper"),
        ("def deep(): deep()\n        deep()", "more memory"),
        ("raise ValueError('of the text')", "ValueError"),
    ],
)
def test_a_check_that_loops_or_explodes_is_stopped(tmp_path: Path, work: str, told: str) -> None:
    guard = CheckGuard(seconds=1, command=served(tmp_path, work))
    try:
        (remark,), of_table = guard.check("bad")
        assert (remark.line, remark.column, remark.severity) == (1, 1, Severity.ERROR)
        assert told in remark.message
        assert "of the text" not in remark.message
        assert of_table == ()
        assert guard.check("x := y") == (check("x := y"), ())
    finally:
        guard.close()


def test_it_is_asked_no_more_once_it_is_closed() -> None:
    guard = CheckGuard()
    guard.close()
    (remark,), _ = guard.check("- (0010,0010)")
    assert "closed" in remark.message
    assert guard.pid is None
