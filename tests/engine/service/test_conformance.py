# SPDX-License-Identifier: Apache-2.0
"""The conformance statement is what the code does."""

from __future__ import annotations

from pathlib import Path

from engine.dicom import private_storage
from engine.intake import answers
from engine.receiver.protocol import contexts
from engine.receiver.protocol.admission import RejectReason
from engine.receiver.protocol.dimse import DimseStatus
from engine.service import conformance

COMMITTED = Path(__file__).parents[3] / "docs" / "conformance.md"


def test_the_statement_is_that_of_the_code() -> None:
    assert COMMITTED.read_text("utf-8") == conformance.page(), "run: make conformance"


def test_nothing_is_left_out() -> None:
    page = conformance.page()
    uids = {*contexts.STORAGE, *contexts.TRANSFER_SYNTAXES, contexts.VERIFICATION}
    uids |= {one.uid for one in private_storage.CLASSES}
    assert [uid for uid in sorted(uids) if f"`{uid}`" not in page] == []
    assert all(one.sentence in page for one in RejectReason)
    told = {
        answers.SUCCESS,
        answers.OUT_OF_RESOURCES,
        answers.MISMATCH,
        answers.CANNOT_UNDERSTAND,
        *DimseStatus,
    }
    assert [f"{one:04X}" for one in sorted(told) if f"| {one:04X} |" not in page] == []
    assert "|  |  |\n|  |" not in page and "| nan |" not in page
    names = [line for line in page.splitlines() if line.startswith("|  | `1.2.840")]
    assert names == []
