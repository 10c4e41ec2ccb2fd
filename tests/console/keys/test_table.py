# SPDX-License-Identifier: Apache-2.0
"""The key table: what it promises is there, and nothing is promised twice."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key

from console.app import ConsoleApp
from console.keys import page
from console.keys.key import GLOBAL, MARKING, MOVING, SORTING, Column, Key
from console.keys.table import MODES, SCREENS, bindings, told
from console.screens.base.screen import BaseScreen
from console.widgets.table import RecordTable

PLACES = {
    "live": "console.screens.live:LiveScreen",
    "prearchive": "console.screens.prearchive:PrearchiveScreen",
    "session": "console.screens.session:SessionScreen",
    "compare": "console.screens.compare:CompareScreen",
    "trash": "console.screens.trash:TrashScreen",
    "quarantine": "console.screens.quarantine:QuarantineScreen",
    "archive": "console.screens.archive:ArchiveScreen",
    "ledger": "console.screens.ledger:LedgerScreen",
    "held": "console.screens.held:HeldScreen",
    "audit": "console.screens.audit:AuditScreen",
    "filed": "console.screens.filed:FiledScreen",
    "images": "console.screens.images:ImagesScreen",
    "scripts": "console.screens.scripts:ScriptsScreen",
    "script": "console.screens.script:ScriptScreen",
    "script version": "console.screens.script_versions:ScriptVersionScreen",
    "projects": "console.screens.projects:ProjectsScreen",
    "system": "console.screens.system:SystemScreen",
    "acceptances": "console.screens.acceptances:AcceptancesScreen",
    "people": "console.screens.people:PeopleScreen",
    "moment": "console.screens.moment:MomentScreen",
}
ALL = [(name, key) for name, screen in SCREENS.items() for key in screen.keys]
SPLIT_ARROWS = set("ABCDFHPQRS")
"""An arrow or function key that arrives in two pieces ends in one of these."""


def screen(name: str) -> type[BaseScreen]:
    """Return the screen of a name, once all its keys can be there."""
    module, _, kind = PLACES[name].partition(":")
    found: type[BaseScreen] = getattr(import_module(module), kind)
    return found


def test_every_screen_is_known() -> None:
    assert set(PLACES) == set(SCREENS)


@pytest.mark.parametrize("name", SCREENS)
def test_every_key_does_something(name: str) -> None:
    shown = screen(name)
    assert name == shown.NAME
    for key in (*SCREENS[name].keys, *GLOBAL):
        verb = key.action.partition("(")[0]
        owned = key.owned or hasattr(RecordTable, f"action_{verb}")
        assert owned or hasattr(shown, f"do_{verb}"), key.action


def test_keys_of_tables_and_of_the_app_are_bound_there() -> None:
    for key in (*MOVING, *MARKING, *SORTING):
        assert key.owned
        assert hasattr(RecordTable, f"action_{key.action.partition('(')[0]}")
    bound = {each for kind in RecordTable.__mro__ for each in _bound(kind)}
    assert {each for key in (*MOVING, *MARKING, *SORTING) for each in key.keys.split(",")} <= bound
    assert {"ctrl+q", *(number for number, _, _ in MODES)} <= set(_bound(ConsoleApp))


@pytest.mark.parametrize("name", SCREENS)
def test_no_two_keys_of_a_screen_are_the_same(name: str) -> None:
    own = Counter(each for key in SCREENS[name].keys for each in key.keys.split(",") if each)
    assert [each for each, times in own.items() if times > 1] == []
    whole = Counter(each for binding in bindings(name) for each in _keys(binding))
    assert [each for each, times in whole.items() if times > 1] == []
    modes = {number for number, _, _ in MODES}
    assert not modes & set(whole)


@pytest.mark.parametrize("name", SCREENS)
def test_no_key_of_a_screen_hides_one_of_its_list(name: str) -> None:
    if not SCREENS[name].lists:
        return
    lists = {each for key in (*MOVING, *MARKING, *SORTING) for each in key.keys.split(",")}
    own = {each for key in SCREENS[name].keys for each in key.keys.split(",")} - {""}
    assert not lists & own


@pytest.mark.parametrize(("name", "key"), ALL, ids=lambda one: getattr(one, "action", one))
def test_no_act_is_bound_to_what_a_slow_line_makes_of_an_arrow(name: str, key: Key) -> None:
    if key.acts or key.column is Column.ACT:
        assert not SPLIT_ARROWS & set(key.keys.split(","))
        assert "bracket" not in key.keys
        assert key.keys == "" or key.keys == key.keys.lower()


@pytest.mark.parametrize(
    "key",
    [*(key for _, key in ALL), *GLOBAL, *MOVING, *MARKING, *SORTING],
    ids=lambda one: one.action,
)
def test_every_key_says_what_it_does(key: Key) -> None:
    assert key.label and key.help
    assert len(key.shown) <= 7
    assert len(key.label) <= 16
    assert not key.help.endswith(".")
    assert key.column is not Column.ACT or not key.owned


@pytest.mark.parametrize("name", SCREENS)
def test_who_only_watches_is_told_of_no_act(name: str) -> None:
    assert not [key for key in told(name, watching=True) if key.acts]
    seen = [key.shown for key in told(name)]
    assert len(seen) == len(set(seen))


def test_every_key_is_one_that_textual_names() -> None:
    names = {each for name in SCREENS for binding in bindings(name) for each in _keys(binding)}
    characters = {_character_to_key(chr(code)) for code in range(0x21, 0x7F)}
    assert names <= characters | {key.value for key in Keys}


def test_the_page_of_keys_is_that_of_the_table() -> None:
    written = Path(__file__).parents[3] / "docs" / "keys.md"
    assert written.read_text(encoding="utf-8") == page.page(), "run: make keys"


def test_the_page_has_every_key_of_every_screen() -> None:
    text = page.page()
    for each in SCREENS.values():
        section = re.search(rf"^## {each.title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section is not None
        lines = section[1].strip().splitlines()[2:]
        assert len(lines) == len(each.keys)
        assert all(line.count(" | ") == 1 for line in lines)


def _keys(binding: BindingType) -> list[str]:
    return (binding.key if isinstance(binding, Binding) else binding[0]).split(",")


def _bound(kind: type) -> list[str]:
    return [each for binding in vars(kind).get("BINDINGS", []) for each in _keys(binding)]
