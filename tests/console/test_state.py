"""What the console remembers from one time to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.state import SavedView, StateFile
from engine.model.errors import InvalidInput


def test_what_was_left_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "console.json"
    before = StateFile(path)
    before.state.theme, before.state.mode = "nord", "archive"
    before.state.list("live").card = False
    before.state.save_view("prearchive", SavedView(name="old", filter="age>7d", sort="label"))
    before.save()
    assert StateFile(path).state == before.state


def test_a_file_that_cannot_be_read_is_an_empty_memory(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_text("not JSON", "utf-8")
    assert StateFile(path).state.theme == ""
    assert StateFile(None).state.theme == ""


@pytest.mark.parametrize("filter", ["doe", "subject:doe", "session:doe age<7d"])
def test_a_view_that_may_name_a_patient_is_not_kept(filter: str) -> None:
    memory = StateFile(None)
    with pytest.raises(InvalidInput, match="may name a patient"):
        memory.state.save_view("prearchive", SavedView(name="his", filter=filter))
    assert not memory.state.views


def test_a_view_takes_the_place_of_one_with_its_name(tmp_path: Path) -> None:
    state = StateFile(None).state
    state.save_view("archive", SavedView(name="mine", filter="age<7d"))
    state.save_view("archive", SavedView(name="mine", filter="age<9d"))
    assert [one.filter for one in state.views["archive"]] == ["age<9d"]
    state.drop_view("archive", "mine")
    assert state.views["archive"] == []
