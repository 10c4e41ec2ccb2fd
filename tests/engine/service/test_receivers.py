# SPDX-License-Identifier: Apache-2.0
"""Values of a receiver as people write them."""

from __future__ import annotations

import pytest

from engine.model.archive import OnScriptError, Receiver
from engine.model.errors import InvalidInput
from engine.service.receivers import changed

MRI = Receiver(ae_title="MRI", port=8105)


def test_a_list_of_who_may_send_holds_once_it_is_written() -> None:
    listed = changed(MRI, {"allow": "CT1, 10.1.0.0/16"})
    assert listed.allow == ("CT1", "10.1.0.0/16")
    assert listed.allow_enabled
    opened = changed(listed, {"allow": ""})
    assert (opened.allow, opened.allow_enabled) == ((), False)


@pytest.mark.parametrize("order", [("allow", "allow_enabled"), ("allow_enabled", "allow")])
def test_what_is_said_of_the_list_itself_goes_first(order: tuple[str, str]) -> None:
    values = {"allow": "CT1", "allow_enabled": "no"}
    kept = changed(MRI, {name: values[name] for name in order})
    assert (kept.allow, kept.allow_enabled) == (("CT1",), False)


def test_what_becomes_of_failing_scripts_is_held_or_refused() -> None:
    assert MRI.script_error is OnScriptError.HOLD
    refusing = changed(MRI, {"script_error": "refuse"})
    assert refusing.script_error is OnScriptError.REFUSE
    assert changed(refusing, {"script_error": "HOLD"}) == MRI


@pytest.mark.parametrize(
    "values",
    [{"colour": "red"}, {"port": "many"}, {"anonymize": "perhaps"}, {"script_error": "ignore"}],
)
def test_what_cannot_be_set_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        changed(MRI, values)
