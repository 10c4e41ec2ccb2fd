# SPDX-License-Identifier: Apache-2.0
"""Values of a receiver as people write them."""

from __future__ import annotations

import pytest

from engine.model.archive import ClientCertificates, Durability, OnScriptError, Receiver
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


def test_a_ca_has_senders_asked_for_certificates_unless_that_is_said_otherwise() -> None:
    ca = {"tls": "on", "certificate": "/c", "key": "/k", "client_ca": " /ca "}
    secured = changed(MRI, ca)
    assert (secured.tls, secured.client_ca) == (True, "/ca")
    assert secured.client_certificates is ClientCertificates.REQUIRED
    asked = changed(MRI, ca | {"client_certificates": "optional"})
    assert asked.client_certificates is ClientCertificates.OPTIONAL
    assert changed(secured, {"client_ca": ""}).client_certificates is ClientCertificates.NONE
    with pytest.raises(InvalidInput, match="none or optional or required"):
        changed(MRI, {"client_certificates": "perhaps"})


def test_lists_and_numbers_are_read_as_they_are_typed() -> None:
    typed = {
        "transfer_syntaxes": "JPEGLSLossless, 1.2.840.10008.1.2.1",
        "max_pdu": "16384",
        "max_per_peer": "2",
        "idle_timeout": "2.5",
    }
    own = changed(MRI, typed)
    assert own.transfer_syntaxes == ("JPEGLSLossless", "1.2.840.10008.1.2.1")
    assert (own.max_pdu, own.max_associations, own.max_per_peer) == (16_384, 0, 2)
    assert own.idle_timeout == 2.5
    assert not own.allow_enabled
    kept = {"durability": "Group", "storage_classes": "1.2.3.4, 1.2.3.5", "account": "mri"}
    keeping = changed(MRI, kept | {"file_name_template": "${SOPInstanceUID}"})
    assert keeping.durability is Durability.GROUP
    assert keeping.storage_classes == ("1.2.3.4", "1.2.3.5")
    assert (keeping.account, keeping.file_name_template) == ("mri", "${SOPInstanceUID}")
    assert changed(keeping, {"durability": ""}).durability is None
    with pytest.raises(InvalidInput, match="durability is group or none, or empty"):
        changed(MRI, {"durability": "all"})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_pdu": "-1"}, "max_pdu: expected a whole number"),
        ({"max_associations": "1.5"}, "max_associations: expected a whole number"),
        ({"max_per_peer": "\u0663"}, "max_per_peer: expected a whole number"),
        ({"idle_timeout": "nan"}, "idle_timeout: expected a number of seconds"),
    ],
)
def test_what_is_no_number_is_refused(values: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        changed(MRI, values)
    assert refused.value.message == said


@pytest.mark.parametrize(
    "values",
    [{"colour": "red"}, {"port": "many"}, {"anonymize": "perhaps"}, {"script_error": "ignore"}],
)
def test_what_cannot_be_set_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        changed(MRI, values)
