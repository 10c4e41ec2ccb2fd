# SPDX-License-Identifier: Apache-2.0
"""Values as people write them: the same texts mean the same for receivers and remotes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.model.archive import Receiver
from engine.model.errors import InvalidInput
from engine.model.remotes import Remote, presented
from engine.model.settings import DicomSettings
from engine.service import receivers, remotes
from engine.service.values import flag, seconds, whole

REMOTE = Remote(name="PACS1", ae_title="PACS", host="10.3.1.5", port=104)
RECEIVER = Receiver(ae_title="ANTEROOM", port=8104)


def test_texts_are_read() -> None:
    assert [flag("tls", text) for text in ("on", "YES", "1", "off", "No", "0")] == [True] * 3 + [
        False
    ] * 3
    assert (whole("port", " 104 "), seconds("idle_timeout", "2.5")) == (104, 2.5)


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (flag, "maybe", "it is true or false"),
        (whole, "-1", "it: expected a whole number"),
        (whole, "1.5", "it: expected a whole number"),
        (whole, "9" * 10, "it: expected a whole number"),
        (seconds, "1e9", "it: expected a number of seconds"),
        (seconds, "nan", "it: expected a number of seconds"),
    ],
)
def test_what_is_none_is_refused(read: Callable[[str, str], object], text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read("it", text)
    assert refused.value.message == said


@pytest.mark.parametrize(
    ("name", "text"), [("tls", "maybe"), ("port", "x"), ("enabled", ""), ("max_pdu", "1k")]
)
def test_receivers_and_remotes_say_the_same(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as of_remote:
        remotes.changed(REMOTE, {name: text})
    with pytest.raises(InvalidInput) as of_receiver:
        receivers.changed(RECEIVER, {name: text})
    assert of_remote.value.message == of_receiver.value.message


def test_a_remote_is_called_as_it_says_or_else_as_the_settings_file_says() -> None:
    ours = DicomSettings()
    assert presented(REMOTE, ours) == (ours.ae_title, ours.max_pdu)
    assert presented(REMOTE, ours, "RECEIVER") == ("RECEIVER", ours.max_pdu)
    own = Remote(name="P", ae_title="P", host="h", port=104, calling="OURS", max_pdu=8192)
    assert presented(own, ours, "RECEIVER") == ("OURS", 8192)
