# SPDX-License-Identifier: Apache-2.0
"""What an added receiver may be told, and what is said of mistakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.archive.receiver_values import checked
from engine.model.archive import Receiver
from engine.model.errors import InvalidInput

MRI = Receiver(ae_title="MRI", port=8105)


@pytest.mark.parametrize(
    "entry",
    [
        *("CT1", "CT 1", "A.B", "FACE.1", "CT1/2", "A@B", "A:B"),
        *("10.0.0.1", "10.0.0.0/8", "10.0.0.7/24", "fd00::1", "fd00::/8"),
        *("CT1@10.0.0.1", "CT1@10.0.0.0/8", "CT1@fd00::/8", "A@B@10.0.0.0/8"),
    ],
)
def test_who_may_be_on_an_allow_list(entry: str) -> None:
    assert checked(replace(MRI, allow=(f" {entry} ", entry))).allow == (entry,)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("10.1.0.0/33", "the number behind the / goes from 0 to 32"),
        ("10.1.0.0/x", "the number behind the / goes from 0 to 32"),
        ("fd00::/129", "the number behind the / goes from 0 to 128"),
        ("10.1.0.300", "'10.1.0.300' is not an address"),
        ("10.1.0", "'10.1.0' is not an address"),
        ("fd00:::1", "'fd00:::1' is not an address"),
        ("CT1@10.1.0.300", "after the @, '10.1.0.300' is not an address"),
        ("CT1@10.1.0.0/33", "after the @, the number behind the / goes from 0 to 32"),
        ("CT1@ct.example.org", "after the @, 'ct.example.org' is not an address"),
        ("CT1@", "after the @, '' is not an address"),
        ("@10.0.0.1", "before the @ stands no AE title: it is empty"),
        ("A" * 17 + "@10.0.0.1", "before the @ stands no AE title: it is longer than 16"),
        ("A" * 17, "as an AE title it is longer than 16 characters"),
        ("CT\\1", "as an AE title it holds a character that no AE title may have"),
        ("CT\u00c9", "as an AE title it holds a character that no AE title may have"),
        (" ", "as an AE title it is empty"),
    ],
)
def test_a_mistake_in_an_allow_list_is_explained(entry: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(replace(MRI, allow=("CT1", entry)))
    assert refused.value.message.startswith(f"{entry!r} cannot be in the allow-list: {said}")
    assert "AE@address" in refused.value.hint


def test_an_entry_that_was_taken_once_hinders_no_other_change() -> None:
    old = replace(MRI, allow=("10.1.0.0/33",))
    assert checked(replace(old, enabled=False), old).allow == old.allow
    with pytest.raises(InvalidInput):
        checked(replace(old, allow=(*old.allow, "10.1.0.0/34")), old)


def test_transfer_syntaxes_are_kept_as_uids_in_their_order() -> None:
    named = replace(MRI, transfer_syntaxes=("JPEGLSLossless", "1.2.840.10008.1.2.1"))
    uids = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1")
    assert checked(named).transfer_syntaxes == uids
    again = replace(MRI, transfer_syntaxes=("explicitvrlittleendian", "1.2.840.10008.1.2.1"))
    assert checked(again).transfer_syntaxes == uids[1:]
    with pytest.raises(InvalidInput, match="'MP3' is not a transfer syntax") as refused:
        checked(replace(MRI, transfer_syntaxes=("MP3",)))
    assert "ExplicitVRLittleEndian" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        ("max_pdu", 4096, 4095, "max_pdu: expected a number from 4096 to 4194304 bytes, or 0 for"),
        ("max_associations", 10_000, 10_001, "max_associations: expected a number from 1 to 10000"),
        ("max_per_peer", 1, -1, "max_per_peer: expected a number from 1 to 10000, or 0 for any"),
        ("idle_timeout", 1.0, 0.5, "idle_timeout: expected a number from 1 to 86400 seconds, or 0"),
    ],
)
def test_limits_are_zero_or_within_bounds(name: str, good: float, bad: float, said: str) -> None:
    for value in (0, good):
        assert getattr(checked(replace(MRI, **{name: value})), name) == value  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as refused:
        checked(replace(MRI, **{name: bad}))  # type: ignore[arg-type]
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("${StudyInstanceUID}-${SeriesNumber}", "Files would overwrite each other"),
        ("${FailedSOPInstanceUIDList}", "Files would overwrite each other"),
        ("${SOPInstanceUID}/${Nonsense}", "Only letters, digits"),
        ("${SOPInstanceUID}${Nonsense}", "'Nonsense' is not the keyword"),
        (".${SOPInstanceUID}", "expected a template of"),
    ],
)
def test_file_names_in_which_two_objects_could_meet_are_refused(template: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        checked(replace(MRI, file_name_template=template))


@pytest.mark.parametrize(
    "template", ["", "${SOPInstanceUID}", "a-${HashSOPClassUIDWithSOPInstanceUID}.dcm"]
)
def test_file_names_of_a_receiver(template: str) -> None:
    assert checked(replace(MRI, file_name_template=f" {template} ")).file_name_template == template


@pytest.mark.parametrize("account", ["two words", "x" * 65, "-x", "engine", "timer"])
def test_accounts_are_names_of_somebody_else_than_the_engine(account: str) -> None:
    with pytest.raises(InvalidInput, match="account: "):
        checked(replace(MRI, account=account))
    assert checked(replace(MRI, account=" mri@site ")).account == "mri@site"


@pytest.mark.parametrize(
    "uid",
    [
        *("1.2.840.10008.1.1", "1.2.840.10008.1.20.1", "1.2.840.10008.1.2.1"),
        *("1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.99", "1.02.3", "1", "x", "1." * 33 + "1"),
    ],
)
def test_what_is_no_storage_class_is_refused(uid: str) -> None:
    with pytest.raises(InvalidInput, match="storage_classes: "):
        checked(replace(MRI, storage_classes=("1.2.752.24.3.3", uid)))


def test_storage_classes_of_a_receiver() -> None:
    # The second is newer than the table of UIDs may be.
    own = ("1.2.752.24.3.3", "1.2.840.10008.5.1.4.1.1.999.1")
    assert checked(replace(MRI, storage_classes=(*own, own[0]))).storage_classes == own
