# SPDX-License-Identifier: Apache-2.0
"""Texts without what may name a patient: what is not known to be ours is a hash."""

from __future__ import annotations

import pytest

from engine.service.scrubbing import Scrubbing


@pytest.mark.parametrize(
    "text",
    [
        "built: 128 files, READY",
        "the session is queued (QUEUED_MOVING); reset it to take it out of the queue",
        "cut short (connection lost): seen by mk",
        "moved by mk: project Unassigned -> NEURO3",
        "site v1 ran again: 2 of 2 files change",
        "nobody has decided on what contradicts itself in the session",
        "put back from the trash",
        "reviewed by mk; since then new files came",
        "pre_w42sraos was queued for 3 hours",
    ],
)
def test_what_the_engine_says_stays_readable(text: str) -> None:
    scrub = Scrubbing({"mk", "NEURO3", "Unassigned"})
    said = scrub.text(text)
    hidden = said.count("‹")
    assert hidden <= 3, said
    assert all(word in said for word in ("mk", "NEURO3") if word in text)


@pytest.mark.parametrize(
    "planted",
    [
        *("Doe^Jane", "DOE_JANE", "Jane", "山田太郎", "Люксембург", "홍길동", "4711", "00-47-11"),
        *("1.2.840.113619.2.55.3", "20260911", "files_Doe", "Doe-files", "O'Hara", "x9Z7"),
        *("réné", "a\u202eb", "ACC/2026/77", "jane@example.org", "DOE\x1b[31m"),
    ],
)
def test_what_may_name_a_patient_does_not(planted: str) -> None:
    said = Scrubbing().text(f"label {planted} -> {planted}; 3 files")
    for part in (planted, "Doe", "Jane", "DOE", "4711", "2026", "Hara", "réné", "example"):
        assert part not in said or part not in planted, said
    assert said.startswith("label ") and said.endswith("; 3 files")


def test_a_hash_is_the_same_within_one_bundle_only() -> None:
    one, other = Scrubbing(), Scrubbing()
    assert one.hash("Doe") == one.text("Doe") == one.hash("Doe") != one.hash("Roe")
    assert one.hash("Doe") != other.hash("Doe")
    assert one.hash("") == ""
