# SPDX-License-Identifier: Apache-2.0
"""`--where`: lists that are filtered by conditions and words."""

from __future__ import annotations

from datetime import timedelta

from engine.model.states import Status
from tests.console.conftest import CommandLine
from tests.memory import NOON, Facts, session
from tests.memory.facts import card


async def test_the_prearchive_is_filtered(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(
        session(1),
        session(2, status=Status.ERROR, project=None),
        session(3, last_object=NOON - timedelta(days=9), modality="CT"),
    )

    async def found(*words: str) -> list[str]:
        ran = await anteroom("prearchive", "list", "--json", *words)
        return sorted(row["name"] for row in ran.json)

    assert await found("--where", "status:problem") == ["MR_2"]
    assert await found("--where", "age<7d !project:unassigned") == ["MR_1"]
    assert await found("--where", "type:c*") == ["MR_3"]
    assert await found("--where", "images>10 mr_3") == ["MR_3"]
    assert await found("--where", "size<2K", "--text", "mr") == ["MR_1"]


async def test_the_archive_is_filtered(anteroom: CommandLine, facts: Facts) -> None:
    for row in (session(1), session(2, modality="CT")):
        facts.filed[row.id] = card(row)
    ran = await anteroom("archive", "list", "--where", "type:ct date:2026", "--json")
    assert [row["label"] for row in ran.json] == ["MR_2"]
    ran = await anteroom("archive", "search", "mr", "--where", "!type:ct", "--json")
    assert [row["label"] for row in ran.json] == ["MR_1"]


async def test_what_cannot_be_meant_is_said_with_its_place(anteroom: CommandLine) -> None:
    for noun in ("prearchive", "archive"):
        ran = await anteroom(noun, "list", "--where", "type:mr colour:red")
        assert ran.code == 1
        assert "there is no field colour" in ran.err
        assert "column 9" in ran.err or ":9" in ran.err
