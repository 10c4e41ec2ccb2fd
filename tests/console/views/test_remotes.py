# SPDX-License-Identifier: Apache-2.0
"""How remotes and sends are shown, and what their questions take and say."""

from __future__ import annotations

from dataclasses import replace

from console.views import remotes
from console.views.remotes import Sendable
from engine.model.remotes import Echo, Remote, Send, SendFailure, SendState
from tests.memory import NOON

PACS = Remote(name="PACS1", ae_title="PACS", host="10.3.1.5", port=104)
SEND = Send(
    id="snd_aaaaaaa1",
    remote="PACS1",
    session="XNAT_E00001",
    filed=True,
    state=SendState.SENDING,
    actor="ak",
    queued=NOON,
)


def echo(ok: bool = True, milliseconds: float = 12.0, reason: str = "") -> Echo:
    return Echo(at=NOON, ok=ok, milliseconds=milliseconds, reason=reason)


def test_a_row_tells_how_the_last_echo_was_answered() -> None:
    assert remotes.remote_row(PACS).cells[:4] == ("· PACS1", "104", "–", "")
    up = remotes.remote_row(replace(PACS, last_echo=echo(milliseconds=1234.0)))
    assert (up.tone, up.cells[0], up.cells[2:4]) == ("good", "● PACS1", ("echo ✓", "1.2 s"))
    down = remotes.remote_row(replace(PACS, last_echo=echo(ok=False, reason="busy")))
    assert (down.tone, down.cells[0], down.cells[2:4]) == ("bad", "✗ PACS1", ("echo ✗", ""))
    off = remotes.remote_row(replace(PACS, enabled=False, last_echo=echo()))
    assert (off.tone, off.cells[0], off.cells[2]) == ("dim", "○ PACS1", "off")


def test_the_heading_says_what_to_do_where_there_is_none() -> None:
    assert [row.cells[0] for row in remotes.remote_rows(())] == ["Remote AEs: n adds one"]
    assert [row.cells[0] for row in remotes.remote_rows((PACS,))] == ["Remote AEs", "· PACS1"]
    titles = remotes.remote_rows((PACS,))[0].cells
    assert titles == ("Remote AEs", "Port", "Echo", "Took", "", "Asked", "Host", "TLS")
    assert dict(zip(titles, remotes.remote_row(PACS).cells, strict=True))["Host"] == PACS.host
    assert remotes.remotes_said((PACS, replace(PACS, last_echo=echo(ok=False)))) == (
        "2 remotes, 1 without an answer"
    )


def test_a_card_says_all_of_a_remote() -> None:
    lines = dict(remotes.remote_card(PACS))
    assert lines["State"] == "enabled" and "nobody has asked yet" in lines["Answered"]
    assert lines["Calls"] == "PACS at 10.3.1.5, port 104"
    secured = replace(
        PACS,
        tls=True,
        ca="/ca.pem",
        certificate="/c.pem",
        key="/k",
        calling="WE",
        max_pdu=65536,
        description="radiology",
        enabled=False,
        last_echo=echo(ok=False, reason="nothing listens"),
    )
    lines = dict(remotes.remote_card(secured))
    assert lines["TLS"] == "on, by /ca.pem, with our certificate"
    assert (lines["As"], lines["About"]) == ("WE", "radiology")
    assert lines["Answered"].startswith("no: nothing listens (")
    assert "disabled" in lines["State"] and "65536" in lines["At most"]


def test_a_question_tells_only_what_is_changed() -> None:
    question = remotes.question(PACS)
    given = {field.name: field.value for field in question.fields}
    assert question.fault(given) == "nothing is changed yet"
    assert question.fault(given | {"port": "x"}) == "the port is a number"
    assert question.fault(given | {"enabled": "perhaps"}) == "Enabled: yes or no"
    given |= {"port": "11112", "enabled": "no"}
    assert question.fault(given) == ""
    assert remotes.changes(PACS, given) == {"port": "11112", "enabled": "false"}
    assert question.command is not None
    assert question.command(given) == "anteroom remote edit PACS1 port=11112 enabled=false"
    limits = remotes.limits_question(PACS)
    now = {field.name: field.value for field in limits.fields}
    assert now == {"connect_timeout": "10", "answer_timeout": "60", "max_pdu": "0"}
    tls = remotes.tls_question(PACS)
    now = {field.name: field.value for field in tls.fields} | {"tls": "yes"}
    assert remotes.changes(PACS, now) == {"tls": "true"}


def test_only_enabled_remotes_are_asked_for() -> None:
    sessions = (Sendable(id="pre_a", shown="MR_1"), Sendable(id="pre_b", shown="MR_2"))
    off = replace(PACS, name="PACS2", enabled=False)
    one = remotes.send_question(sessions[:1], (PACS, off), "4")
    assert [field.name for field in one.fields] == ["remote", "scans", "reason"]
    assert (one.fields[0].value, one.fields[0].choices) == ("PACS1", ("PACS1",))
    assert one.fault({"remote": "PACS2"}) == "there is no enabled remote PACS2"
    both = remotes.send_question(sessions, (PACS, replace(PACS, name="PACS3")))
    assert [field.name for field in both.fields] == ["remote", "reason"]
    assert both.fields[0].value == ""
    given = {"remote": "PACS1", "scans": "4, 5", "reason": "asked for"}
    assert remotes.send_command(["pre_a"], given) == (
        "anteroom remote send PACS1 pre_a --scan 4 --scan 5 --reason 'asked for'"
    )


def test_a_send_says_how_far_it_is_and_what_failed() -> None:
    assert remotes.send_said(SEND) == "PACS1 not begun"
    failure = SendFailure(file="a.dcm", uid="1.2", status="A700", reason="out of resources")
    failed = replace(
        SEND,
        state=SendState.FAILED,
        objects=12,
        sent=9,
        failed=3,
        statuses={"A700": 3},
        failures=(failure,) * 10,
        reason="PACS1 has not taken 3 of 12 objects",
        ended=NOON,
    )
    assert remotes.send_said(failed) == (
        "PACS1 9 of 12, 3 failed: PACS1 has not taken 3 of 12 objects"
    )
    card = remotes.send_card(failed)
    assert ("Statuses", "A700 3") in card and ("Scans", "all") in card
    assert card.count(("A700", "a.dcm")) == 8
    assert card[-1] == ("", "and 2 more: anteroom remote sends snd_aaaaaaa1")
    # Whose a session is that waits may stand in the names of its files.
    long = replace(failure, uid="1.2.840.113619.2.55.3.604688119.971", file="DOE_JANE.dcm")
    unread = replace(failure, uid="", status="", file="DOE_JANE.dcm")
    waiting = remotes.send_card(replace(failed, filed=False, failures=(failure, long, unread)))
    assert [
        line for line in waiting if line[1] in ("1.2", "…2.55.3.604688119.971", "object 3 of these")
    ] == [
        ("A700", "1.2"),
        ("A700", "…2.55.3.604688119.971"),
        ("–", "object 3 of these"),
    ]
    assert "DOE" not in str(waiting)
    assert remotes.why_not_cancelled(SEND) == ""
    assert remotes.why_not_cancelled(failed) == "it is failed: nothing to cancel"
    assert remotes.send_status(failed) == ("✗ failed", "bad")
