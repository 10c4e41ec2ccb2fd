# SPDX-License-Identifier: Apache-2.0
"""A deleted session as a row, and the question before it is put back."""

from __future__ import annotations

from datetime import timedelta

from console.views import trash
from console.views.masking import LASTING, Masks
from engine.model.contents import TrashedSession
from tests.memory import NOON


def test_a_deleted_session_is_told_with_who_and_until_when() -> None:
    gone = TrashedSession(
        id="pre_1",
        project=None,
        label="DOE_JANE",
        subject=None,
        objects=1_204,
        bytes=10,
        deleted=NOON,
        until=NOON + timedelta(days=30),
        by="me",
    )
    cells = trash.row(Masks(revealed=True).trashed(gone)).cells
    assert cells[1:4] == ("me", "Unassigned / – / DOE_JANE", "1 204")
    assert cells[4].startswith("2026-10-1")
    assert "DOE" not in str(trash.row(LASTING.trashed(gone)))
    question = trash.question(LASTING.trashed(gone))
    assert "DOE" not in str(question.rows)
    assert question.command is not None
    assert question.command({}) == "anteroom trash restore pre_1"
    assert question.command({"reason": "my fault"}).endswith("--reason 'my fault'")
