# SPDX-License-Identifier: Apache-2.0
"""Drafts of scripts outlive the console, and nobody else reads them."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from console.runtime.drafts import FOLDER, ScriptDrafts
from console.views.script_draft import ScriptDraft

DRAFT = ScriptDraft(scope="site", version=2, id="scr_2", text="- (0010,0010)", lookups="a/b = c")


def test_a_draft_is_there_again_for_its_engine_and_script_only(tmp_path: Path) -> None:
    assert ScriptDrafts(tmp_path).keep("/home/a", DRAFT)
    later = ScriptDrafts(tmp_path)
    assert later.get("/home/a", "site") == DRAFT
    assert later.get("/home/b", "site") is None
    assert later.get("/home/a", "project:P") is None


def test_only_its_author_can_read_it(tmp_path: Path) -> None:
    ScriptDrafts(tmp_path).keep("/home/a", DRAFT)
    folder = tmp_path / FOLDER
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()] == [0o600]


def test_a_draft_that_is_dropped_is_gone(tmp_path: Path) -> None:
    drafts = ScriptDrafts(tmp_path)
    drafts.keep("/home/a", DRAFT)
    drafts.drop("/home/a", "site")
    drafts.drop("/home/a", "site")
    assert drafts.get("/home/a", "site") is None
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_file_that_says_something_else_is_no_draft(tmp_path: Path) -> None:
    ScriptDrafts(tmp_path).keep("/home/a", DRAFT)
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_bytes(b"{")
    assert ScriptDrafts(tmp_path).get("/home/a", "site") is None


def test_where_it_cannot_be_written_this_console_has_it_still(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    drafts = ScriptDrafts(tmp_path)
    assert not drafts.keep("/home/a", DRAFT)
    assert drafts.get("/home/a", "site") == DRAFT
    in_memory = ScriptDrafts(None)
    assert in_memory.keep("/home/a", replace(DRAFT, text="x"))
    assert in_memory.get("/home/a", "site") == replace(DRAFT, text="x")
