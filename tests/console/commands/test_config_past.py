# SPDX-License-Identifier: Apache-2.0
"""`anteroom config at` and `config diff`: moments are read, and what was then is listed."""

from __future__ import annotations

from tests.console.conftest import CommandLine
from tests.memory import Facts


async def test_the_past_is_listed_by_moment_and_kind(anteroom: CommandLine, facts: Facts) -> None:
    assert (await anteroom("project", "add", "NEURO3", "--title", "Neuro")).code == 0
    rows = (await anteroom("config", "at", "7d", "--json")).json
    assert {"kind": "project", "name": "NEURO3", "values": {"title": "Neuro"}} in rows
    ran = await anteroom("config", "at", "2026-09-11 14:00", "--kind", "project")
    assert "title=Neuro" in ran.out
    assert (await anteroom("config", "at", "1d", "--kind", "role")).out.startswith("nothing of")
    assert (await anteroom("config", "diff", "7d")).out == "nothing is configured otherwise\n"
    ran = await anteroom("config", "at", "when it was better")
    assert ran.code == 1 and "when it was better" in ran.err
