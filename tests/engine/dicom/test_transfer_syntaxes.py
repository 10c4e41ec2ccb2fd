# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from engine.dicom import transfer_syntaxes


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1"),
        ("ExplicitVRLittleEndian", "1.2.840.10008.1.2.1"),
        ("implicitvrlittleendian", "1.2.840.10008.1.2"),
        ("JPEGLSLossless", "1.2.840.10008.1.2.4.80"),
        ("CTImageStorage", ""),
        ("1.2.3", ""),
        ("", ""),
    ],
)
def test_a_transfer_syntax_is_named_by_uid_or_keyword(text: str, uid: str) -> None:
    assert transfer_syntaxes.uid_of(text) == uid


def test_every_transfer_syntax_has_a_name_that_leads_back() -> None:
    for uid in transfer_syntaxes.STORED:
        assert transfer_syntaxes.uid_of(transfer_syntaxes.keyword_of(uid)) == uid
    assert transfer_syntaxes.keyword_of("1.2.840.10008.1.2.5") == "RLELossless"
    assert transfer_syntaxes.keyword_of("1.2.3") == "1.2.3"
