# SPDX-License-Identifier: Apache-2.0
"""`anteroom trash`: what was deleted is listed and put back."""

from __future__ import annotations

from engine.model.states import Status
from tests.console.conftest import CommandLine
from tests.memory import Facts, session


async def test_what_was_deleted_is_listed_and_put_back(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2))
    assert (await anteroom("trash", "list")).out == "the trash of the prearchive is empty\n"
    assert (await anteroom("prearchive", "delete", "MR_1", "MR_2")).code == 0
    rows = (await anteroom("trash", "list", "--json")).json
    assert [row["id"] for row in rows] == ["pre_aaaaaaa2", "pre_aaaaaaa1"]
    assert rows[0]["until"] == "2026-10-11T12:01:00Z"
    head, *_ = (await anteroom("trash", "list")).out.splitlines()
    assert head.split()[:4] == ["ID", "PROJECT", "SUBJECT", "SESSION"]

    ran = await anteroom("trash", "restore", "MR_1", "pre_aaaaaaa2", "--reason", "a slip")
    assert (ran.code, ran.out) == (
        0,
        "pre_aaaaaaa1: restored, READY\npre_aaaaaaa2: restored, READY\n",
    )
    assert set(facts.sessions) == {"pre_aaaaaaa1", "pre_aaaaaaa2"}
    assert (await anteroom("trash", "list", "--json")).json == []


async def test_a_session_that_could_never_be_built_is_restored_with_its_reason(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1, status=Status.ERROR, reason="two study UIDs"))
    await anteroom("prearchive", "delete", "MR_1")
    ran = await anteroom("trash", "restore", "MR_1")
    assert (ran.code, ran.out) == (0, "pre_aaaaaaa1: restored, ERROR: two study UIDs\n")


async def test_the_trash_is_emptied_only_when_that_is_said_twice(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1), session(2), session(3))
    await anteroom("prearchive", "delete", "MR_1", "MR_2", "MR_3")
    for words in (("trash", "empty"), ("trash", "empty", "MR_1", "--all")):
        ran = await anteroom(*words)
        assert ran.code == 1 and "or all of them with --all" in ran.err
    ran = await anteroom("trash", "empty", "MR_1")
    assert ran.code == 1
    assert "pre_aaaaaaa1" in ran.out and "pre_aaaaaaa2" not in ran.out
    assert "1 session (" in ran.err and "repeat the command with --yes" in ran.err
    assert len(facts.trashed) == 3
    ran = await anteroom("trash", "empty", "MR_1", "pre_gone1111", "--yes")
    assert (ran.code, ran.out) == (
        1,
        "pre_aaaaaaa1: removed for good\npre_gone1111: pre_gone1111 is not in the trash\n",
    )
    assert (await anteroom("trash", "empty", "--all", "--yes", "--json")).json[1]["done"]
    assert facts.trashed == {}
    head, *rows = (await anteroom("trash", "list", "--gone")).out.splitlines()
    assert head.split()[:3] == ["ID", "PROJECT", "OBJECTS"] and len(rows) == 3
    assert "MR_1" not in "".join(rows) and "SUB-1" not in "".join(rows)
    (last,) = (await anteroom("trash", "list", "--gone", "--offset", "2", "--json")).json
    assert (last["id"], last["project"], last["gone_by"]) == ("pre_aaaaaaa1", "NEURO3", "ada")


async def test_what_is_not_in_the_trash_is_refused_one_by_one(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1))
    await anteroom("prearchive", "delete", "MR_1")
    ran = await anteroom("trash", "restore", "NOBODY", "MR_1", "--json")
    assert ran.code == 1
    assert [(one["done"], one["message"]) for one in ran.json] == [
        (False, "NOBODY is not in the trash"),
        (True, "restored, READY"),
    ]


async def test_a_label_that_several_have_names_none(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1, label="MR"), session(2, label="MR"))
    await anteroom("prearchive", "delete", "pre_aaaaaaa1", "pre_aaaaaaa2")
    ran = await anteroom("trash", "restore", "MR")
    assert (ran.code, ran.out) == (1, "")
    assert "name one by its id" in ran.err
    assert set(facts.trashed) == {"pre_aaaaaaa1", "pre_aaaaaaa2"}
