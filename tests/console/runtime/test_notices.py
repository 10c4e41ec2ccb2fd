# SPDX-License-Identifier: Apache-2.0
"""What was said lately: kept up to a bound, counted until it is looked at."""

from __future__ import annotations

from console.runtime.notices import KEPT, Notice, Notices
from tests.memory import NOON


def test_notices_are_kept_newest_first_and_unseen_until_looked_at() -> None:
    notices = Notices()
    for number in range(KEPT + 5):
        notices.add(Notice(at=NOON, text=str(number)))
    assert len(notices.all) == KEPT
    assert notices.all[0].text == str(KEPT + 4)
    assert notices.unseen == 0
    notices.add(Notice(at=NOON, text="look", severity="warning"))
    notices.add(Notice(at=NOON, text="bad", severity="error"))
    assert notices.unseen == 2
    notices.seen()
    assert notices.unseen == 0
