# SPDX-License-Identifier: Apache-2.0
"""The digest of a data set, of this kind and of the one before it."""

from __future__ import annotations

import hashlib
import io

import pytest
from blake3 import blake3

from engine.dicom.digest import (
    DataSetDigest,
    digest_of,
    has_digest,
    is_current,
    packed,
    unpacked,
)

DATA = bytes(range(256)) * 9000


def test_the_text_names_the_function_and_fits_its_column() -> None:
    text = DataSetDigest(DATA).text
    assert text == "blake3:" + blake3(DATA).hexdigest()[:56]
    assert len(text) <= 64


def test_pieces_make_the_same_digest_as_the_whole() -> None:
    digest = DataSetDigest()
    for start in range(0, len(DATA), 70_001):
        digest.update(memoryview(DATA)[start : start + 70_001])
    assert digest.text == digest_of(io.BytesIO(DATA[5:]), DATA[:5])


@pytest.mark.parametrize("text", [hashlib.sha256(DATA).hexdigest(), DataSetDigest(DATA).text])
def test_digests_of_both_kinds_are_verified_and_packed(text: str) -> None:
    assert has_digest(io.BytesIO(DATA), text)
    assert not has_digest(io.BytesIO(DATA[1:]), text)
    assert unpacked(packed(text)) == text
    assert is_current(text) is text.startswith("blake3:")
