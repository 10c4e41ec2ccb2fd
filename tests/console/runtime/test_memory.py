# SPDX-License-Identifier: Apache-2.0
"""What the console remembers from one time to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.runtime.memory import NAMELESS, SavedView, StateFile
from engine.model.archive import ARCHIVE_FIELDS
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.prearchive import PREARCHIVE_FIELDS

TERM = st.one_of(
    st.text(max_size=12),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "!"]),
        st.sampled_from(sorted(PREARCHIVE_FIELDS | ARCHIVE_FIELDS)),
        st.sampled_from([":", "<", ">", ':"']),
        st.text(max_size=8),
    ),
)


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


@given(st.lists(TERM, max_size=5).map(" ".join))
def test_whatever_is_kept_has_conditions_on_nameless_fields_only(filter: str) -> None:
    memory = StateFile(None)
    try:
        memory.state.save_view("prearchive", SavedView(name="his", filter=filter))
    except InvalidInput:
        assert not memory.state.views
        return
    (kept,) = memory.state.views["prearchive"]
    found = parse_filter(kept.filter)
    assert found.words == ()
    assert {one.field for one in found.conditions} <= NAMELESS
    # Nothing stands beside the conditions either.
    assert parse_filter(str(found)) == found


@pytest.mark.parametrize("content", [b"\xff", b"[]", b'{"lists": 3}', b"", b'{"theme": null}'])
def test_a_file_of_another_shape_is_an_empty_memory(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_bytes(content)
    assert StateFile(path).state.lists == {}
    assert StateFile(tmp_path).state.lists == {}


def test_a_folder_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    memory = StateFile(tmp_path / "file" / "console.json")
    memory.save()
    assert (tmp_path / "file").read_text("utf-8") == ""


def test_a_view_takes_the_place_of_one_with_its_name(tmp_path: Path) -> None:
    state = StateFile(None).state
    state.save_view("archive", SavedView(name="mine", filter="age<7d"))
    state.save_view("archive", SavedView(name="mine", filter="age<9d"))
    assert [one.filter for one in state.views["archive"]] == ["age<9d"]
    state.drop_view("archive", "mine")
    assert state.views["archive"] == []
