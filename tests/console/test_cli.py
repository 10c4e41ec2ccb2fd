# SPDX-License-Identifier: Apache-2.0
"""The command line against an engine behind its socket: what it writes, where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from console.cli import COMMANDS, loaded
from engine.model.acceptance import StepState
from engine.model.archive import AuditEvent
from engine.model.commitments import CommitmentDetail, CommitmentState, FailedObject
from engine.model.configured import Applied, Step
from engine.model.live import (
    ArrivingSeries,
    HeldObject,
    LedgerEntry,
    SenderSeen,
    Throughput,
)
from engine.model.remotes import SendFailure, SendState
from engine.model.states import Status
from engine.model.what_if import Destination, Rerouted, WhatIf
from tests.console.conftest import CommandLine
from tests.memory import NOON, Facts, session, transfer
from tests.memory.acceptances import WAITING

XNAT_KEYS = [
    "project",
    "timestamp",
    "lastmod",
    "uploaded",
    "scan_date",
    "scan_time",
    "subject",
    "folderName",
    "name",
    "tag",
    "status",
    "url",
    "autoarchive",
    "prevent_anon",
    "prevent_auto_commit",
    "SOURCE",
    "VISIT",
    "PROTOCOL",
    "TIMEZONE",
]


async def test_prearchive_rows_have_the_keys_that_clients_know(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1), session(2, project=None, locked=True, status=Status.BUILDING))
    ran = await anteroom("prearchive", "list", "--json")
    assert ran.code == 0
    second, first = ran.json
    assert list(first)[: len(XNAT_KEYS)] == XNAT_KEYS
    assert first["id"] == "pre_aaaaaaa1"
    assert first["url"] == "/prearchive/projects/NEURO3/20260911_120000001/MR_1"
    assert first["lastmod"] == "2026-09-11T12:00:01Z"
    assert (first["objects"], first["bytes"], first["scans"]) == (10, 1024, 2)
    assert (second["project"], second["status"]) == ("Unassigned", "_BUILDING")


async def test_lists_are_read_whole_whatever_the_window(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.commands.prearchive.WINDOW", 2)
    facts.keep(*(session(number) for number in range(1, 6)))
    assert len((await anteroom("prearchive", "list", "--json")).json) == 5
    assert len((await anteroom("prearchive", "list", "--json", "--limit", "3")).json) == 3


async def test_lists_are_narrowed(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2, status=Status.ERROR), session(3, project=None))
    ran = await anteroom("prearchive", "list", "--json", "--status", "READY", "--project", "NEURO3")
    assert [row["id"] for row in ran.json] == ["pre_aaaaaaa1"]
    ran = await anteroom("prearchive", "list", "--json", "--project", "Unassigned")
    assert [row["id"] for row in ran.json] == ["pre_aaaaaaa3"]


async def test_a_table_is_for_people(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    ran = await anteroom("prearchive", "list")
    head, row = ran.out.splitlines()
    assert head.split()[:4] == ["ID", "STATUS", "PROJECT", "SUBJECT"]
    assert row.split()[:5] == ["pre_aaaaaaa1", "READY", "NEURO3", "SUB-1", "MR_1"]
    assert (await anteroom("archive", "list")).out == "no such session in the archive\n"


async def test_hostile_labels_reach_the_terminal_as_signs(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1, label="a\x1b]52;c;x\x07\x9b31m\u202e\nb", subject="[red]"))
    for words in (("list",), ("show", "pre_aaaaaaa1"), ("list", "--json")):
        ran = await anteroom("prearchive", *words)
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(ran.out)
    assert ran.json[0]["name"] == "a\x1b]52;c;x\x07\x9b31m\u202e\nb"


async def test_archiving_waits_and_names_what_it_became(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1), session(2))
    ran = await anteroom("prearchive", "archive", "MR_1", "pre_aaaaaaa2", "--json")
    assert ran.code == 0
    assert [(one["id"], one["done"], one["accession"]) for one in ran.json] == [
        ("pre_aaaaaaa1", True, "XNAT_E00001"),
        ("pre_aaaaaaa2", True, "XNAT_E00002"),
    ]
    assert facts.sessions == {}


async def test_an_act_can_be_left_to_itself(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    ran = await anteroom("prearchive", "delete", "MR_1", "--no-wait", "--json")
    assert (ran.code, ran.json[0]["job"]) == (0, "pre_aaaaaaa1:delete:1")


async def test_an_act_that_is_refused_for_one_ends_with_1(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1), session(2, status=Status.ERROR))
    ran = await anteroom("prearchive", "archive", "MR_1", "MR_2")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "pre_aaaaaaa1: archived as XNAT_E00001",
        "pre_aaaaaaa2: a session in ERROR is rebuilt before it can be archived",
    ]


async def test_moving_relabelling_rebuilding_and_resetting(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1, status=Status.RECEIVING))
    assert (await anteroom("project", "add", "LUNG")).code == 0
    assert (await anteroom("prearchive", "rebuild", "MR_1")).out == "pre_aaaaaaa1: built, READY\n"
    moved = await anteroom("prearchive", "move", "MR_1", "--project", "LUNG")
    assert (moved.code, moved.out) == (0, "pre_aaaaaaa1: moved, READY\n")
    ran = await anteroom("prearchive", "relabel", "MR_1", "--label", "NEW", "--subject", "S")
    assert ran.code == 0
    row = facts.sessions["pre_aaaaaaa1"]
    assert (row.project, row.label, row.subject) == ("LUNG", "NEW", "S")
    assert (await anteroom("prearchive", "reset", "NEW")).code == 0
    assert (await anteroom("prearchive", "relabel", "NEW")).code == 2


async def test_labels_of_a_patient_are_moved_only_by_who_says_so(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1), session(2, project=None))
    assert (await anteroom("project", "add", "LUNG")).code == 0
    ids = ("pre_aaaaaaa1", "pre_aaaaaaa2")
    ran = await anteroom("prearchive", "move", *ids, "--project", "LUNG")
    assert (ran.code, ran.out) == (1, "")
    assert "the patient's name and ID" in ran.err and "(pre_aaaaaaa2)" in ran.err
    assert "--yes" in ran.err
    assert facts.sessions["pre_aaaaaaa1"].project != "LUNG"
    ran = await anteroom("prearchive", "move", *ids, "--project", "LUNG", "--yes")
    assert ran.code == 0
    assert [facts.sessions[id].project for id in ids] == ["LUNG", "LUNG"]


async def test_a_build_that_fails_ends_with_1_and_the_reason(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1, reason="two study UIDs"))
    facts.unbuildable.add("pre_aaaaaaa1")
    ran = await anteroom("prearchive", "rebuild", "MR_1")
    assert (ran.code, ran.out) == (1, "pre_aaaaaaa1: rebuild failed, ERROR: two study UIDs\n")


async def test_errors_are_one_sentence_and_what_to_do(anteroom: CommandLine) -> None:
    ran = await anteroom("prearchive", "show", "NOBODY")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "anteroom: no such prearchive session\n  list them: anteroom prearchive list\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("prearchive", "list"),
        ("project", "add", "P"),
        ("status",),
        ("route", "x.dcm"),
        ("jobs", "list", "--json"),
    ],
)
async def test_without_an_engine_it_says_how_to_start_one(
    alone: CommandLine, words: tuple[str, ...]
) -> None:
    ran = await alone(*words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "anteroom: no engine is running on this home\n"
        "  start it with 'anteroom serve' or open 'anteroom'\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("prearchive", "list", "--status", "NONSENSE"),
        ("prearchive", "archive"),
        ("receiver", "add", "AE"),
        ("rules", "show", "nothing"),
        ("nonsense",),
        ("serve", "--dicom-port", "many"),
    ],
)
async def test_wrong_usage_ends_with_2(alone: CommandLine, words: tuple[str, ...]) -> None:
    ran = await alone(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage:" in ran.err


async def test_the_home_may_stand_before_or_after(
    anteroom: CommandLine, alone: CommandLine
) -> None:
    elsewhere = CommandLine(Path("/nowhere"))
    assert (await elsewhere("jobs", "list")).code == 1
    assert (await elsewhere("jobs", "list", "--home", str(anteroom.home))).code == 0


async def test_projects(anteroom: CommandLine) -> None:
    assert (await anteroom("project", "add", "P", "--alias", "Q", "--alias", "R")).code == 0
    ran = await anteroom("project", "set", "P", "prearchive_code=0", "title=T", "--json")
    assert (ran.json["prearchive_code"], ran.json["name"]) == (0, "T")
    (row,) = (await anteroom("project", "list", "--json")).json
    assert (row["ID"], row["aliases"], row["URI"]) == ("P", ["Q", "R"], "/data/projects/P")
    assert "prearchive_code  0" in (await anteroom("project", "show", "P")).out
    bad = await anteroom("project", "set", "P", "prearchive_code")
    assert (bad.code, bad.err) == (
        1,
        "anteroom: prearchive_code is not of the form NAME=VALUE\n",
    )


async def test_receivers(anteroom: CommandLine) -> None:
    ran = await anteroom(
        "receiver", "add", "OTHER", "--port", "8105", "--allow", "CT1", "--no-anonymize", "--json"
    )
    assert (ran.json["allow"], ran.json["anonymize"], ran.json["listening"]) == (
        ["CT1"],
        False,
        True,
    )
    assert (await anteroom("receiver", "stop", "OTHER")).out == "OTHER on port 8105 is stopped\n"
    assert (await anteroom("receiver", "start", "OTHER")).code == 0
    assert (await anteroom("receiver", "echo", "OTHER")).out == "answered 0000\n"
    assert (await anteroom("receiver", "edit", "OTHER", "anonymize=true", "--json")).json[
        "anonymize"
    ]
    own = ("transfer_syntaxes=JPEGLSLossless", "max_per_peer=4", "idle_timeout=2.5")
    ran = await anteroom("receiver", "edit", "OTHER", *own, "--json")
    assert (ran.json["transfer_syntaxes"], ran.json["max_per_peer"]) == (["JPEGLSLossless"], 4)
    listed = (await anteroom("receiver", "list")).out
    assert "listening" in listed and " ".join(own) in listed and "script_error" not in listed
    await anteroom("receiver", "edit", "OTHER", "script_error=refuse")
    assert "script_error=refuse" in (await anteroom("receiver", "list")).out
    assert (await anteroom("receiver", "reload", "OTHER")).code == 1
    tls = ("tls=true", "certificate=/c.pem", "key=/c.key", "client_certificates=optional")
    ran = await anteroom("receiver", "edit", "OTHER", *tls, "--json")
    assert (ran.json["tls"], ran.json["client_certificates"]) == (True, "optional")
    assert "client certificates optional" in (await anteroom("receiver", "list")).out
    assert (await anteroom("receiver", "reload", "OTHER")).code == 0
    ran = await anteroom("receiver", "add", "OTHER", "max_per_peer=3", "--port", "8106", "--json")
    assert ran.json["max_per_peer"] == 3
    several = await anteroom("receiver", "echo", "OTHER")
    assert (several.code, "8105, 8106" in several.err) == (1, True)
    assert (await anteroom("receiver", "remove", "OTHER", "--port", "8106")).code == 0
    assert (await anteroom("receiver", "remove", "NOBODY")).code == 1


async def test_remotes(anteroom: CommandLine, facts: Facts) -> None:
    assert "no remote; add one" in (await anteroom("remote", "list")).out
    place = ("PACS", "10.3.1.5", "104")
    ran = await anteroom("remote", "add", "PACS1", *place, "answer_timeout=90", "--json")
    assert (ran.json["port"], ran.json["answer_timeout"]) == (104, 90.0)
    assert "never asked" in (await anteroom("remote", "list")).out
    ran = await anteroom("remote", "edit", "PACS1", "host=pacs.example.org", "enabled=no")
    assert (ran.code, "pacs.example.org" in ran.out) == (0, True)
    ran = await anteroom("remote", "echo", "PACS1")
    assert (ran.code, ran.out) == (0, "PACS1 answered in 12 ms\n")
    assert "yes, 12 ms" in (await anteroom("remote", "list")).out
    assert (await anteroom("remote", "show", "PACS1", "--json")).json["last_echo"]["ok"]
    assert "answered         yes, 12 ms" in (await anteroom("remote", "show", "PACS1")).out
    facts.mute["PACS1"] = "the host is down"
    ran = await anteroom("remote", "echo", "PACS1")
    assert (ran.code, ran.out) == (1, "PACS1 does not answer: the host is down\n")
    assert (await anteroom("remote", "echo", "PACS1", "--json")).json["reason"]
    bad = await anteroom("remote", "add", "PACS2", "A\\B", "10.3.1.5", "104")
    assert (bad.code, "holds a character that no AE title may have" in bad.err) == (1, True)
    assert (await anteroom("remote", "delete", "PACS1")).out == "PACS1 is deleted\n"
    assert (await anteroom("remote", "show", "PACS1")).code == 1


async def test_sessions_are_sent_to_remotes(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2))
    await anteroom("remote", "add", "PACS1", "PACS", "10.3.1.5", "104")
    assert (await anteroom("remote", "sends")).out == "nothing was sent\n"
    ran = await anteroom("remote", "send", "PACS1", "pre_aaaaaaa1", "pre_zzzzzzz1", "--scan", "4")
    assert (ran.code, ran.out) == (
        1,
        "pre_aaaaaaa1: queued as snd_aaaaaaa1\npre_zzzzzzz1: there is no such session\n",
    )
    (row,) = (await anteroom("remote", "sends", "--unfinished", "--json")).json
    assert (row["state"], row["scans"], row["actor"]) == ("queued", ["4"], "root")
    failure = SendFailure(file="SCANS/4/1.dcm", uid="1.2", status="A700", reason="out of\x1b room")
    facts.sends["snd_aaaaaaa1"] = replace(
        facts.sends["snd_aaaaaaa1"],
        state=SendState.FAILED,
        objects=12,
        sent=9,
        sent_bytes=4096,
        failed=3,
        failures=(failure,),
        reason="PACS1 has not taken 3 of 12 objects",
    )
    told = (await anteroom("remote", "sends", "snd_aaaaaaa1")).out
    assert "9 of 12" in told and "A700    SCANS/4/1.dcm" in told and "and 2 more" in told
    assert "\x1b" not in told
    assert "out of" in (await anteroom("remote", "sends", "snd_aaaaaaa1", "--json")).out
    bad = await anteroom("remote", "cancel", "snd_aaaaaaa1")
    assert (bad.code, "nothing to cancel" in bad.err) == (1, True)
    ran = await anteroom("remote", "send", "PACS1", "pre_aaaaaaa2", "--json")
    assert (ran.code, ran.json[0]["job"]) == (0, "snd_aaaaaaa2")
    assert (await anteroom("remote", "cancel", "snd_aaaaaaa2")).code == 0
    (row,) = (await anteroom("remote", "sends", "--session", "pre_aaaaaaa2", "--json")).json
    assert row["state"] == "cancelled"
    assert (await anteroom("remote", "sends", "--unfinished")).out == "none of these\n"
    assert (await anteroom("remote", "sends", "--session", "pre_b")).out == "none of these\n"
    facts.takes_all = True
    ran = await anteroom("remote", "send", "PACS1", "pre_aaaaaaa2", "--wait")
    assert (ran.code, "done" in ran.out) == (0, True)
    ran = await anteroom("remote", "send", "PACS1", "nosuch", "pre_aaaaaaa2", "--wait", "--json")
    assert (ran.code, [one["state"] for one in ran.json]) == (1, ["done"])
    assert ran.err == "anteroom: nosuch: there is no such session\n"
    facts.keep(session(3, status=Status.RECEIVING))
    ran = await anteroom("remote", "send", "PACS1", "pre_aaaaaaa3", "--wait", "--json")
    assert (ran.code, ran.json, "only one that is built" in ran.err) == (1, [], True)


async def test_acceptances(anteroom: CommandLine, facts: Facts, tmp_path: Path) -> None:
    assert "no acceptance" in (await anteroom("acceptance", "list")).out
    started = (await anteroom("acceptance", "start", "CT1", "--expected", "20")).out
    assert "let it do the echo" in started and "follow acc_aaaaaaa1" in started
    assert (await anteroom("acceptance", "expect", "acc_aaaaaaa1", "21", "--json")).json[
        "expected"
    ] == 21
    assert (await anteroom("acceptance", "close", "acc_aaaaaaa1", "accepted")).code == 1
    done = tuple(replace(step, state=StepState.DONE) for step in WAITING)
    facts.acceptances["acc_aaaaaaa1"] = replace(facts.acceptances["acc_aaaaaaa1"], steps=done)
    assert "✓ counts" in (await anteroom("acceptance", "follow", "acc_aaaaaaa1")).out
    signed = await anteroom("acceptance", "close", "acc_aaaaaaa1", "accepted")
    assert "accepted by" in signed.out
    assert (await anteroom("acceptance", "list", "--open")).out == "none of these\n"
    (listed,) = (await anteroom("acceptance", "list", "--json")).json
    assert (listed["calling"], listed["verdict"]) == ("CT1", "accepted")
    target = tmp_path / "record.txt"
    assert (await anteroom("acceptance", "export", "acc_aaaaaaa1", str(target))).code == 0
    assert "Images expected: 21" in target.read_text("utf-8")
    assert "Signature" in target.read_text("utf-8")
    # A record is signed: who may read it is up to its owner.
    assert target.stat().st_mode & 0o777 == 0o600
    again = await anteroom("acceptance", "export", "acc_aaaaaaa1", str(target))
    assert (again.code, f"{target} is there already" in again.err) == (1, True)
    nowhere = await anteroom("acceptance", "export", "acc_aaaaaaa1", str(tmp_path / "no" / "r"))
    assert (nowhere.code, "cannot be written" in nowhere.err) == (1, True)
    assert (await anteroom("acceptance", "export", "acc_aaaaaaa1", "--json")).json["steps"]


async def test_commitments(anteroom: CommandLine, facts: Facts) -> None:
    assert "nobody has asked" in (await anteroom("commitment", "list")).out
    asked = CommitmentDetail(
        id="cm_1",
        at=NOON,
        receiver="ANTEROOM",
        calling="SCANNER",
        peer="10.3.1.7",
        objects=3,
        failed=1,
        state=CommitmentState.GIVEN_UP,
        reason="no remote AE named SCANNER",
        attempts=56,
        transaction_uid="1.2.3",
        failures=(FailedObject(sop_class="1.2.4", sop_instance="1.2.5", reason="0112: gone"),),
    )
    facts.commitments.append(asked)
    assert "no remote AE named SCANNER" in (await anteroom("commitment", "list")).out
    waiting = (await anteroom("commitment", "list", "--state", "waiting")).out
    assert waiting == "none of these\n"
    assert (await anteroom("commitment", "list", "--limit", "5000")).code == 0
    assert (await anteroom("commitment", "list", "--state", "lost")).code == 1
    (listed,) = (await anteroom("commitment", "list", "--json")).json
    assert (listed["state"], listed["objects"]) == ("given up", 3)
    shown = (await anteroom("commitment", "show", "cm_1")).out
    assert "SCANNER (10.3.1.7)" in shown and "0112: gone" in shown
    assert (await anteroom("commitment", "show", "cm_1", "--json")).json[
        "transaction_uid"
    ] == "1.2.3"
    ran = await anteroom("commitment", "retry", "cm_1", "--reason", "it is known now")
    assert (ran.code, ran.out) == (0, "cm_1: it is tried again\n")
    assert (await anteroom("commitment", "retry", "cm_2")).code == 1


async def test_rules_are_written_and_set_again(anteroom: CommandLine, tmp_path: Path) -> None:
    lines = "(0020,000E):(.*):1 t:.+ r:PROJ\n"
    ran = await anteroom("rules", "set", "project", "-", stdin=lines)
    assert ran.out == "site project rules, version 1: in force\n"
    assert (await anteroom("rules", "show", "project")).out == lines
    ran = await anteroom("rules", "show", "--receiver", "AE", "project", "--json")
    assert (ran.json["scope"], ran.json["version"]) == ("receiver:AE", 0)
    file = tmp_path / "rules"
    file.write_text("nonsense")
    ran = await anteroom("rules", "set", "project", str(file))
    assert ran.code == 1
    assert ran.err.splitlines()[1] == (
        "  1:1: a rule starts with the tag it reads, such as (0008,1030)"
    )
    assert (await anteroom("rules", "set", "project", str(tmp_path / "none"))).code == 1


async def test_rules_are_tried_on_the_last_sessions(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    file = tmp_path / "rules"
    file.write_text("(0008,1010):(MR3T_A):1 t:.+ r:NEURO3\n")
    ran = await anteroom("rules", "try", str(file))
    assert ran.out.splitlines()[0] == "none would have gone elsewhere"
    now = Destination(project=None, subject="S1", session="E1", auto_archive=None)
    moved = Rerouted(
        id="pre_aaaaaaa1",
        filed=False,
        label="MR_1",
        project=None,
        came=NOON,
        now=now,
        then=replace(now, project="NEURO3", auto_archive=True),
    )
    facts.what_if = WhatIf(tried=7, unread=2, adrift=3, moved=(moved,))
    ran = await anteroom("rules", "try", "project", str(file), "--last", "9")
    line, *rest = ran.out.splitlines()[1:]
    assert "Unassigned / S1 / E1" in line and "NEURO3 / S1 / E1, archived by itself" in line
    assert rest[0] == "1 of 7 sessions would have gone elsewhere"
    assert rest[1].startswith("3 are not where") and rest[2].startswith("of 2 ")
    ran = await anteroom("rules", "try", str(file), "--json")
    assert ran.json["moved"][0]["then"]["project"] == "NEURO3"
    file.write_text("nonsense\n")
    assert (await anteroom("rules", "try", str(file))).code == 1
    assert (await anteroom("rules", "try", "nothing", str(file))).code == 2


async def test_rules_are_checked_without_an_engine(alone: CommandLine, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("(0008,0050):^[0-9]{4}(.*):1\n")
    bad.write_text("(0008,0050):(.*):1\n\nnonsense\n  (0008,0050):(\n")
    assert (await alone("rules", "check", str(good))).code == 0
    assert (await alone("rules", "check", "project", str(good))).code == 0
    ran = await alone("rules", "check", str(bad))
    assert ran.code == 1
    assert [line.rpartition("/")[2].split(": ")[0] for line in ran.out.splitlines()] == [
        "bad:3:1",
        "bad:4:15",
    ]
    assert (await alone("rules", "check", "nonsense", str(good))).code == 2


async def test_routes_are_told_with_their_trace(anteroom: CommandLine, tmp_path: Path) -> None:
    ran = await anteroom("route", str(tmp_path / "x.dcm"), "--json")
    (route,) = ran.json
    assert (route["project"], route["subject"], route["session"]) == ("NEURO3", "SUB-1", "MR_1")
    assert route["auto_archive"] is None
    assert route["trace"][0]["extractor"] == "study description"
    assert "study description" in (await anteroom("route", "a.dcm", "b.dcm")).out


async def test_the_archive(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    await anteroom("prearchive", "archive", "MR_1")
    (row,) = (await anteroom("archive", "list", "--json")).json
    assert [row[key] for key in ("ID", "project", "date", "xsiType", "label", "URI")] == [
        "XNAT_E00001",
        "NEURO3",
        "2026-09-11",
        "xnat:mrSessionData",
        "MR_1",
        "/data/experiments/XNAT_E00001",
    ]
    assert row["insert_date"] == "2026-09-11T12:00:00Z"
    assert len((await anteroom("archive", "search", "MR", "--json")).json) == 1
    assert (await anteroom("archive", "show", "XNAT_E00001", "--json")).json["scans"][0][
        "id"
    ] == "4"
    assert "subject_id" in (await anteroom("archive", "show", "MR_1", "--project", "NEURO3")).out
    assert (await anteroom("archive", "document", "XNAT_E00001")).out == (
        '<MRSession ID="XNAT_E00001"/>\n'
    )
    assert (await anteroom("archive", "history", "XNAT_E00001", "--json")).json[0]["change"] == (
        "archived"
    )
    assert (await anteroom("archive", "versions", "XNAT_E00001")).out == (
        "nothing that is kept applied to it\n"
    )
    facts.applied["XNAT_E00001"] = (
        Applied(step=Step.RECEIVED, kind="script", name="site", version="7", at=NOON),
    )
    (applied,) = (await anteroom("archive", "versions", "XNAT_E00001", "--json")).json
    assert (applied["step"], applied["name"], applied["version"]) == ("received", "site", "7")
    assert (await anteroom("archive", "show", "NOBODY")).code == 1


async def test_what_arrives(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.commands.live._now", lambda: NOON + timedelta(minutes=40))
    facts.transfers.append(
        transfer(1, closed=NOON, ended="aborted", last_object=NOON + timedelta(seconds=7))
    )
    facts.transfers.append(transfer(2))
    (newest, other) = (await anteroom("live", "transfers", "--json")).json
    assert (newest["state"], newest["rate"], newest["series"]) == ("stalled", 0.0, "t1_mprage_sag")
    assert (other["state"], other["rate"], other["receiver"]) == ("aborted", 2.0, "ANTEROOM")
    ran = await anteroom("live", "transfers", "--open")
    assert "ANTEROOM:8104  stalled" in ran.out and "aborted" not in ran.out
    facts.transfers.clear()
    assert (await anteroom("live", "transfers")).out == "no association is known\n"
    assert (await anteroom("live", "transfers", "--open")).out == "none of these\n"
    for back, objects, calling in ((0, 400, "MR3T_A"), (0, 400, "CT_ER1"), (2, 200, "CT_ER1")):
        hour = NOON - timedelta(hours=back)
        facts.throughput.append(
            Throughput(
                hour=hour,
                receiver="",
                calling=calling,
                objects=objects,
                bytes=1000 * objects,
                refused=back,
                last=hour,
            )
        )
    assert len((await anteroom("live", "throughput", "--json")).json) == 3
    lines = (await anteroom("live", "throughput", "--hours", "3")).out.splitlines()
    assert [line.count("█") for line in lines] == [0, 10, 0, 40]
    assert "  800  800 KB" in lines[3]
    assert "CT_ER1" in (await anteroom("live", "throughput", "--by", "sender")).out
    facts.senders.append(
        SenderSeen(calling="CT_ER1", receiver="ANTEROOM", last=NOON, today=4, week=40)
    )
    assert (await anteroom("live", "senders", "--json")).json[0]["week"] == 40
    assert "CT_ER1  ANTEROOM" in (await anteroom("live", "senders")).out


async def test_series_of_a_session_that_is_arriving(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    assert "nothing is known" in (await anteroom("prearchive", "series", "MR_1")).out
    known = ArrivingSeries(scan="4", objects=9, missing=3, gaps="7-9", stated=12, last=NOON)
    facts.series["pre_aaaaaaa1"] = (
        known,
        replace(known, scan="5", missing=None, gaps="", stated=None),
    )
    out = (await anteroom("prearchive", "series", "MR_1")).out.splitlines()
    assert out[1].endswith("7-9") and "unknown" in out[2]
    ran = await anteroom("prearchive", "series", "MR_1", "--json")
    assert [one["missing"] for one in ran.json] == [3, None]


async def test_ledger_held_and_jobs(anteroom: CommandLine, facts: Facts) -> None:
    facts.ledger.append(
        LedgerEntry(
            id=1,
            transfer="tr_1",
            outcome="refused",
            reason="called AE title unknown",
            rule="",
            session="",
            receiver="STORESCP",
            calling="WS-044",
            peer="10.3.1.44",
            first=NOON,
            last=NOON + timedelta(hours=1),
            count=3,
        )
    )
    facts.held.append(
        HeldObject(id="h1", transfer="tr_1", at=NOON, reason="script", rule="v7:8", size=10)
    )
    facts.keep(session(1))
    assert (await anteroom("ledger", "list", "--json")).json[0]["count"] == 3
    assert (await anteroom("ledger", "list", "--outcome", "filtered", "--json")).json == []
    assert (await anteroom("ledger", "list", "--outcome", "filtered")).out == "none of these\n"
    assert "v7:8" in (await anteroom("held", "list")).out
    assert (await anteroom("jobs", "list")).out == "no job\n"
    assert (await anteroom("jobs", "list", "--unfinished")).out == "none of these\n"
    await anteroom("prearchive", "delete", "MR_1")
    job = (await anteroom("jobs", "list", "--json")).json[0]["id"]
    assert (await anteroom("jobs", "cancel", job)).code == 0
    assert (await anteroom("jobs", "retry", job)).code == 0
    assert (await anteroom("jobs", "list", "--unfinished", "--json")).json[0]["id"] == job
    assert (await anteroom("jobs", "cancel", "nothing")).code == 1


async def test_a_broken_chain_ends_with_1(anteroom: CommandLine, facts: Facts) -> None:
    event = {"number": 1, "id": "e", "at": NOON, "actor": "a", "action": "x", "object": "pre_1"}
    facts.audit.append(AuditEvent(**event, detail={"n": 1}, hash="h"))  # type: ignore[arg-type]
    assert (await anteroom("audit", "verify")).out == "the chain holds (1 events)\n"
    assert "n=1" in (await anteroom("audit", "list")).out
    facts.audit.append(AuditEvent(**event, detail={}, hash=""))  # type: ignore[arg-type]
    ran = await anteroom("audit", "verify", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)


async def test_status(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    ran = await anteroom("status", "--json")
    assert ran.json["sessions"] == {"READY": 1}
    assert ran.json["accounts"]["counts"]["waiting"] == 10
    assert "12 objects" in (await anteroom("status")).out


async def test_a_home_is_made_once(alone: CommandLine) -> None:
    first = await alone("init")
    assert (first.code, "is ready" in first.out) == (0, True)
    assert (alone.home / "anteroom.yaml").is_file()
    assert "is a home already" in (await alone("init")).out


def test_no_command_loads_a_screen_or_a_database() -> None:
    code = (
        "import sys, json, console.__main__;"
        "print(json.dumps([m for m in ('textual', 'sqlalchemy', 'dbos', 'pydicom') "
        "if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == []


async def test_the_version_is_said_without_a_home(anteroom: CommandLine) -> None:
    ran = await anteroom("--version", "--home", "nowhere")
    assert (ran.code, ran.out) == (0, f"anteroom {version('anteroom')}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_lists_commands_by_what_they_say_themselves(name: str) -> None:
    assert " ".join(loaded(name).help.split()) == COMMANDS[name]
