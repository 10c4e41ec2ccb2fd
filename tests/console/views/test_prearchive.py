# SPDX-License-Identifier: Apache-2.0
"""How sessions of the prearchive are told: a sign and a word for each state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from console.views import prearchive
from console.views.masking import ShownSession
from console.views.text import plain_text
from engine.model.states import Status
from engine.prearchive.rows import SORTS
from tests.console.piloting import HOSTILE
from tests.memory import NOON, session

NOW = NOON + timedelta(minutes=1)


def shown(**changes: object) -> ShownSession:
    return ShownSession(session(1, **changes))


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("locked", [False, True])
def test_every_state_is_a_sign_and_a_word(status: Status, locked: bool) -> None:
    shown, tone = prearchive.state(session(1, status=status, locked=locked))
    sign, _, word = shown.partition(" ")
    assert len(sign) == cell_len(sign) == 1
    assert not sign.isalnum()
    assert word and word.isascii()
    assert tone in {"plain", "good", "look", "bad", "dim"}


def test_states_are_told_apart_also_where_their_word_is_cut() -> None:
    width = prearchive.COLUMNS[0].width
    shown = [prearchive.state(session(1, status=status))[0] for status in Status]
    assert len({plain_text(each, width) for each in shown}) == len(Status)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("locked", [False, True])
def test_what_was_cut_short_says_so_in_each_state(status: Status, locked: bool) -> None:
    cut = session(1, status=status, locked=locked, cut_short="connection lost")
    shown, tone = prearchive.state(cut)
    assert shown.endswith(", cut") and tone in ("look", "bad")
    assert len(shown) <= prearchive.COLUMNS[0].width
    assert prearchive.state(replace(cut, cut_short=""))[0].partition(" ")[2] in shown
    lines = dict(prearchive.card(ShownSession(cut), ()))
    assert lines["Cut short"].startswith("connection lost")
    assert prearchive.exported(ShownSession(cut))[-3] == "connection lost"


def test_states_that_want_a_person_are_told_apart_without_colours() -> None:
    waiting = (Status.READY, Status.CONFLICT, Status.ERROR, Status.RECEIVING)
    assert len({prearchive.state(session(1, status=one))[0][0] for one in waiting}) == 4


def test_a_row_has_a_cell_for_each_column() -> None:
    row = prearchive.row(shown(objects=12_345), NOW)
    assert len(row.cells) == len(prearchive.COLUMNS)
    assert row.cells[1:4] == ("NEURO3", "SUB-1", "MR_1")
    assert row.cells[5:7] == ("59s", "12 345")
    assert row.key == "pre_aaaaaaa1"


@pytest.mark.parametrize("status", list(Status))
def test_a_card_says_what_to_do_next(status: Status) -> None:
    lines = dict(prearchive.card(shown(status=status, reason="why"), ()))
    assert lines["Next"]
    assert lines["Reason"] == "why"
    assert lines["Log"] == "nothing was logged"
    assert "m moves it" in dict(prearchive.card(shown(project=None), ()))["Next"]


def test_hostile_values_are_passed_on_as_they_are() -> None:
    # The table and the card make them plain: nobody else has to think of it.
    row = prearchive.row(shown(label=HOSTILE, calling=HOSTILE), NOW)
    assert HOSTILE in row.cells


def test_each_column_is_ordered_by_something_the_engine_knows() -> None:
    assert {one.sort for one in prearchive.COLUMNS if one.sort} <= SORTS.keys()


def test_files_have_a_title_for_each_cell() -> None:
    assert len(prearchive.exported(ShownSession(session(1)))) == len(prearchive.EXPORTED)
