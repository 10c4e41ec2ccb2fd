# SPDX-License-Identifier: Apache-2.0
"""What is said of a session beside its scans."""

from __future__ import annotations

from datetime import timedelta

from console.views.masking import ShownSession
from console.views.session import about
from engine.model.contents import SessionContents
from engine.model.prearchive import LogEntry
from engine.model.states import Status
from tests.memory import NOON, session

LOG = (
    LogEntry(id="1", at=NOON, text="built: 8 files, READY"),
    LogEntry(id="2", at=NOON + timedelta(minutes=1), text="built: 10 files, CONFLICT"),
    LogEntry(id="3", at=NOON + timedelta(minutes=2), text="moved"),
)


def test_state_reason_and_next_step_come_first() -> None:
    one = ShownSession(session(1, status=Status.CONFLICT, reason="two objects have one UID"))
    contents = SessionContents(scans=(), built=True, warnings=("scan 4: x", "session: y"))
    lines = about(one, contents, LOG)
    assert lines[0] == ("Status", "≠ conflict")
    assert lines[1] == ("Reason", "two objects have one UID")
    assert lines[2][0] == "Next"
    assert dict(lines)["Built"].endswith(":01:00")
    place = lines.index(("Warnings", "2"))
    assert lines[place + 1 : place + 3] == [("", "! scan 4: x"), ("", "! session: y")]


def test_what_is_not_built_says_so() -> None:
    contents = SessionContents(scans=(), built=False)
    lines = dict(about(ShownSession(session(1)), contents, ()))
    assert lines["Built"].startswith("not yet")
    assert dict(about(ShownSession(session(1)), None, ()))["Built"] == "–"
