# SPDX-License-Identifier: Apache-2.0
"""The machinery in rows, details and facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.views import receivers, system
from console.views.status import StatusView
from engine.model.accounts import Accounts
from engine.model.archive import ClientCertificates, Durability, OnScriptError
from engine.model.health import Check, Finding
from engine.model.live import EngineStatus, Job, ReceiverStatus
from engine.model.remotes import Send, SendState
from tests.memory import NOON, transfer

UP = ReceiverStatus(ae_title="CT1", port=8105, enabled=True, listening=True, origin="added")
FAULT = replace(UP, listening=False, note="port 8105 is taken")
STOPPED = replace(UP, enabled=False, listening=False)
JOB = Job(
    id="job-1",
    verb="archive",
    session="pre_aaaaaaa1",
    status="failed",
    queued=NOON,
    updated=NOON + timedelta(minutes=2),
    error="the archive has no room",
)
STATUS = EngineStatus(
    version="1",
    pid=1,
    node="node",
    home="/home",
    started=NOON,
    receivers=(UP, FAULT),
    workers=1,
    associations=3,
    accounts=Accounts(counts={}),
    sessions={"READY": 2, "CONFLICT": 1},
    archived=318,
    disk_free=250,
    disk_total=1000,
    unfinished_jobs=7,
)


def words(lines: list[tuple[str, str]]) -> str:
    return " ".join(f"{name} {value}".strip() for name, value in lines if name or value)


def test_a_check_says_what_comes_of_it_and_what_to_do() -> None:
    check = Check(
        name="disk",
        finding=Finding.FAILED,
        found="it is full",
        consequence="Nothing is received.",
        remedy=("empty the trash", "make room"),
    )
    row = system.check_row(check)
    assert (row.key, row.tone, row.cells) == ("disk", "bad", ("✗ disk", "it is full"))
    said = words(system.check_card(check))
    assert "it is full Then Nothing is received. What to do 1  empty the trash 2  make" in said
    good = Check(name="disk", finding=Finding.GOOD, found="half empty")
    assert "Nothing is to be done" in words(system.check_card(good))
    assert system.findings((check, good)) == ("1 failed, 0 to look at", "bad")
    assert system.findings((good,)) == ("all is well", "good")
    assert system.findings(()) == ("nothing was looked at yet", "muted")


@pytest.mark.parametrize(
    ("receiver", "sign", "word"),
    [(UP, "●", "up"), (FAULT, "✗", "fault"), (STOPPED, "○", "stopped")],
)
def test_the_state_of_a_receiver_is_a_sign_and_a_word(
    receiver: ReceiverStatus, sign: str, word: str
) -> None:
    row = system.receiver_row(receiver, 2)
    assert (row.cells[0], row.cells[2]) == (f"{sign} CT1", word)
    assert row.cells[3] == ("2" if receiver.listening else "–")


def test_a_receiver_tells_its_fault_and_who_may_send() -> None:
    assert "port 8105 is taken" in words(system.receiver_card(FAULT, 0))
    assert "everybody" in words(system.receiver_card(UP, 0))
    closed = replace(UP, allow_enabled=True, allow=("CT_ER1", "10.3.2.0/24"))
    assert "CT_ER1, 10.3.2.0/24" in words(system.receiver_card(closed, 0))
    assert system.receivers_said((UP, FAULT, STOPPED)) == ("1 up, 1 fault, 1 stopped", "bad")


def test_open_associations_are_counted_by_receiver() -> None:
    mine = transfer(1, receiver="CT1", port=8105)
    other = transfer(2, receiver="CT1", port=8106)
    ended = transfer(3, receiver="CT1", port=8105, closed=NOON)
    assert system.open_at((mine, other, ended), UP) == 1


def test_jobs_say_what_they_are_and_what_can_be_done() -> None:
    row = system.job_row(JOB, NOON + timedelta(minutes=5))
    assert row.cells == (
        "✗ failed",
        "archive",
        "pre_aaaaaaa1",
        "5m",
        "3m",
        "the archive has no room",
    )
    assert "job-1" in words(system.job_card(JOB))
    assert system.why_no_retry(JOB) == ""
    assert "only queued jobs" in system.why_no_cancel(JOB)
    queued = replace(JOB, status="queued", error="")
    assert "nothing to retry" in system.why_no_retry(queued)
    assert system.why_no_cancel(queued) == ""


def test_the_facts_are_those_that_the_engine_gave() -> None:
    view = StatusView()
    waiting = system.tiles(view, (), NOON)
    assert {tile.lines[0][0] for tile in waiting} == {"asking the engine …"}
    view.take(STATUS, NOON)
    jobs = (JOB, replace(JOB, id="2", status="running"))
    told = system.tiles(view, jobs, NOON + timedelta(minutes=4))
    facts = {tile.name: [text for text, _ in tile.lines] for tile in told}
    assert facts["Receivers"][:2] == ["1 up, 1 fault", "3 open · 0 img/s"]
    assert facts["Disk"][0].endswith("75% of 1 K")
    assert facts["Sessions"] == ["3 in the prearchive", "1 conflict", "318 archived"]
    assert facts["Jobs"] == ["7 unfinished, 1 at work", "oldest 4m", "1 of the last 2 failed"]


def test_a_job_that_sends_stands_as_its_send_does() -> None:
    view = StatusView()
    view.take(STATUS, NOON)
    states = {
        # What has failed to arrive is no fault of the job, and what waits for hours runs all along.
        SendState.FAILED: "done",
        SendState.WAITING: "running",
        SendState.SENDING: "running",
    }
    sends = [
        Send(
            id=f"snd_{state}",
            remote="PACS1",
            session="pre_aaaaaaa1",
            filed=False,
            state=state,
            actor="ak",
            queued=NOON,
        )
        for state in states
    ]
    jobs = [
        replace(JOB, id=f"snd_{state}:send:1", session=f"snd_{state}", status=status)
        for state, status in states.items()
    ]
    jobs_tile = system.tiles(view, jobs, NOON + timedelta(minutes=4), sends)[3]
    said = ["7 unfinished, 1 at work", "oldest 4m", "1 of the last 3 failed"]
    assert [text for text, _ in jobs_tile.lines] == said


def test_only_what_differs_is_sent_to_a_receiver() -> None:
    before = replace(UP, allow=("CT_ER1",), allow_enabled=False)
    given = receivers.values(before)
    assert receivers.changes(before, given) == {}
    given |= {"anonymize": "no", "port": "8106"}
    assert receivers.changes(before, given) == {"anonymize": "false", "port": "8106"}
    longer = receivers.values(before) | {"allow": "CT_ER1, MR1"}
    # The engine would put a new list in force by itself.
    assert receivers.changes(before, longer) == {"allow": "CT_ER1, MR1", "allow_enabled": "false"}


def test_limits_of_a_receiver_are_asked_for_and_told() -> None:
    own = replace(
        UP,
        transfer_syntaxes=("JPEGLSLossless", "RLELossless"),
        max_pdu=16_384,
        max_associations=7,
        max_per_peer=1,
        idle_timeout=2.5,
    )
    told = words(system.receiver_card(own, 0))
    assert "7 associations at once, 1 of one address, PDUs of 16384 bytes, 2.5 s" in told
    assert "JPEGLSLossless, RLELossless" in told
    assert "At most" not in words(system.receiver_card(UP, 0))
    asked = receivers.limits_question(own)
    given = {one.name: one.value for one in asked.fields}
    assert given["idle_timeout"] == "2.5"
    assert asked.fault(given) == "nothing is changed yet"
    given |= {"max_per_peer": "0", "transfer_syntaxes": "RLELossless"}
    assert asked.fault(given) == ""
    assert receivers.changes(own, given) == {
        "transfer_syntaxes": "RLELossless",
        "max_per_peer": "0",
    }
    assert asked.command is not None
    assert asked.command(given) == (
        "anteroom receiver edit CT1 transfer_syntaxes=RLELossless max_per_peer=0 --port 8105"
    )


def test_tls_of_a_receiver_is_asked_for_and_told() -> None:
    assert system.receiver_row(UP, 0).cells[-1] == "off"
    assert "not encrypted" in words(system.receiver_card(UP, 0))
    secured = replace(
        UP,
        tls=True,
        certificate="/c.pem",
        key="/c.key",
        client_certificates=ClientCertificates.REQUIRED,
        certificate_ends=NOON,
    )
    assert system.receiver_row(secured, 0).cells[-1] == "on"
    told = words(system.receiver_card(secured, 0))
    assert f"ends on {NOON:%Y-%m-%d}; client certificates: required" in told
    asked = receivers.tls_question(UP)
    given = {one.name: one.value for one in asked.fields}
    assert asked.fault(given | {"tls": "maybe"}) == "TLS: yes or no"
    assert asked.fault(given | {"tls": "yes"}) == "TLS needs a certificate and a key"
    assert "none, optional" in asked.fault(given | {"client_certificates": "never"})
    given |= {"tls": "yes", "certificate": "/c.pem", "key": "/c.key", "client_ca": "/ca.pem"}
    assert asked.fault(given) == ""
    assert receivers.changes(UP, given) == {
        "tls": "true",
        "certificate": "/c.pem",
        "key": "/c.key",
        "client_ca": "/ca.pem",
        # As it is answered: the engine would ask by itself.
        "client_certificates": "none",
    }


def test_values_of_a_receiver_are_looked_at_while_they_are_typed() -> None:
    asked = receivers.question(UP)
    given = receivers.values(UP)
    assert asked.fault(given) == "nothing is changed yet"
    assert asked.fault(given | {"port": "x"}) == "the port is a number"
    assert asked.fault(given | {"anonymize": "maybe"}) == "anonymize: yes or no"
    assert "nobody could send" in asked.fault(given | {"allow_enabled": "yes"})
    assert asked.command is not None
    assert asked.command(given | {"rules_enabled": "yes"}) == (
        "anteroom receiver edit CT1 rules_enabled=true --port 8105"
    )


def test_storage_of_a_receiver_that_is_its_own_is_said() -> None:
    own = replace(
        UP,
        tls=True,
        crl="/crl",
        storage_classes=("1.2.3.4",),
        file_name_template="${SOPInstanceUID}",
        durability=Durability.GROUP,
        account="mri",
    )
    card = dict(system.receiver_card(own, 0))
    assert card["Also"] == "1.2.3.4"
    assert (card["Files"], card["Durable"]) == ("${SOPInstanceUID}", "group")
    assert card["Account"] == "mri"
    assert card["TLS"].endswith("a revocation list is looked at")
    usual = dict(system.receiver_card(UP, 0))
    assert not {"Also", "Files", "Durable", "Account"} & usual.keys()
    assert usual["Anonymize"] == "on"
    strict = dict(system.receiver_card(replace(UP, script_error=OnScriptError.REFUSE), 0))
    assert strict["Anonymize"] == "on, and an object on which a script fails is refused"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, (("250 B free", "plain"),)),
        ({"disk_full_in": 9 * 86_400.0}, (("250 B free", "plain"),)),
        ({"disk_full_in": 5.5 * 3600}, (("250 B free", "plain"), ("full in 5 hours", "look"))),
        (
            {"disk_full_in": 60.0},
            (("250 B free", "plain"), ("full in less than an hour", "look")),
        ),
        ({"disk_keep": 251}, (("250 B free", "bad"), ("senders are refused", "bad"))),
    ],
)
def test_how_long_the_disk_lasts(
    changes: dict[str, float], said: tuple[tuple[str, str], ...]
) -> None:
    view = StatusView()
    view.take(replace(STATUS, **changes), NOON)  # type: ignore[arg-type]
    disk = system.tiles(view, (), NOON)[1]
    assert disk.lines[1:] == said
    # A tile of a terminal of 120 columns has room for so much.
    assert max(len(text) for text, _ in disk.lines) <= 26
