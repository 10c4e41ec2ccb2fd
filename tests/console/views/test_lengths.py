# SPDX-License-Identifier: Apache-2.0
"""What has to fit into a column of fixed width: the names of cards, and the labels of questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from console.views import filed, prearchive, receivers, remotes, system
from console.views.masking import Masks
from console.views.question import Question
from console.views.session import about
from console.widgets.card import NAME
from engine.model.archive import Durability
from engine.model.contents import SessionContents
from engine.model.health import Check, Finding
from engine.model.live import Job, ReceiverStatus
from engine.model.remotes import Remote, Send, SendFailure, SendState
from tests.memory import NOON, card, session

LABEL = 20
"""Cells of the labels in `dialogs.tcss`."""

RECEIVER = ReceiverStatus(
    ae_title="CT1",
    port=8105,
    enabled=True,
    listening=True,
    origin="added",
    note="its certificate ends",
    max_pdu=1,
    transfer_syntaxes=("1.2",),
    storage_classes=("1.2",),
    file_name_template="${SOPInstanceUID}",
    durability=Durability.GROUP,
    account="mri",
)
REMOTE = Remote(
    name="PACS1", ae_title="PACS", host="10.3.1.5", port=104, max_pdu=1, description="radiology"
)
SEND = Send(
    id="snd_aaaaaaa1",
    remote="PACS1",
    session="XNAT_E00001",
    filed=True,
    state=SendState.FAILED,
    actor="ak",
    queued=NOON,
    ended=NOON,
    warnings=1,
    failed=1,
    statuses={"A700": 1},
    failures=(SendFailure(file="a.dcm", uid="1.2", status="A700", reason="no room"),),
    tries=2,
    next_try=NOON,
    reason="not all arrived",
)
JOB = Job(
    id="1", verb="archive", session="s", status="failed", queued=NOON, updated=NOON, error="no room"
)
CHECK = Check(
    name="disk", finding=Finding.FAILED, found="full", consequence="none", remedy=("make room",)
)
SESSION = Masks().session(
    session(1, cut_short="aborted", reason="no room", belongs_to="XNAT_E00009", scans=2)
)
CONTENTS = SessionContents(scans=card(session(1)).scans, built=True, warnings=("odd",))
CARDS = {
    "receiver": system.receiver_card(RECEIVER, 1),
    "job": system.job_card(JOB),
    "check": system.check_card(CHECK),
    "remote": remotes.remote_card(REMOTE),
    "send": remotes.send_card(SEND),
    "prearchive": prearchive.card(SESSION, ()),
    "session": about(SESSION, CONTENTS, ()),
    "filed": filed.card(
        replace(card(session(1)), acquisition_site="A", gender="F", handedness="R", age="31")
    ),
}
QUESTIONS = {
    "new receiver": receivers.new_question(),
    "receiver": receivers.question(RECEIVER),
    "limits of a receiver": receivers.limits_question(RECEIVER),
    "storage": receivers.storing_question(RECEIVER),
    "TLS of a receiver": receivers.tls_question(RECEIVER),
    "new remote": remotes.new_question(),
    "remote": remotes.question(REMOTE),
    "limits of a remote": remotes.limits_question(REMOTE),
    "TLS of a remote": remotes.tls_question(REMOTE),
    "send": remotes.send_question((remotes.Sendable(id="1", shown="1"),), (REMOTE,)),
}


@pytest.mark.parametrize("lines", CARDS.values(), ids=CARDS)
def test_no_name_of_a_card_runs_into_its_value(lines: Sequence[tuple[str, str]]) -> None:
    assert not [name for name, value in lines if value and len(name) >= NAME]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_no_label_of_a_question_is_cut(question: Question) -> None:
    labels = [f"{one.label}{' (needed)' if one.needed else ''}" for one in question.fields]
    assert not [label for label in labels if len(label) >= LABEL]
