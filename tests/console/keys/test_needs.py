# SPDX-License-Identifier: Apache-2.0
"""What keys need is about keys that there are, and verbs that the engine knows."""

from __future__ import annotations

import pytest

from console.keys.needs import VERBS, needed
from console.keys.table import SCREENS
from engine.model.people import Permission
from engine.service.permissions import NEEDS

ALL = [(screen, action, verb) for screen, by in VERBS.items() for action, verb in by.items()]


@pytest.mark.parametrize(("screen", "action", "verb"), ALL)
def test_each_is_a_key_and_a_verb_with_a_need(screen: str, action: str, verb: str) -> None:
    assert action in {key.action for key in SCREENS[screen].keys}
    assert verb in NEEDS
    assert needed(screen, action)


def test_a_key_needs_what_its_verb_does() -> None:
    assert needed("prearchive", "archive") == (Permission.TRIAGE,)
    assert needed("system", "new") == (Permission.ADMINISTER,)
    assert needed("people", "ask") == ()
    assert needed("live", "filter") == ()
