# SPDX-License-Identifier: Apache-2.0
"""`anteroom script waiting` and `rerun`, and what `set` says before it saves."""

from __future__ import annotations

from engine.model.scripts import MadeWith, WaitingForScript
from tests.console.conftest import CommandLine
from tests.memory.configuration import project
from tests.memory.facts import Facts

SOME = WaitingForScript(
    scope="site",
    active=8,
    sessions=31,
    made=(
        MadeWith(version=8, sessions=4),
        MadeWith(version=7, sessions=23),
        MadeWith(version=0, sessions=1),
    ),
    unread=3,
)


async def test_what_waits_is_told_by_version(anteroom: CommandLine, facts: Facts) -> None:
    facts.projects["P"] = project("P")
    ran = await anteroom("script", "waiting")
    assert ran.out == "no session waits that the script of the site runs over\n"
    facts.script_waiting["site"] = SOME
    said = (
        "waiting sessions were made: 4 with v8, 23 with v7, 1 that name no version; 3 more were "
        "not looked at\n"
    )
    assert (await anteroom("script", "waiting")).out == said
    assert (await anteroom("script", "waiting", "--json")).json["made"][1]["sessions"] == 23
    facts.script_waiting["project:P"] = WaitingForScript(scope="project:P", active=2, sessions=5)
    ran = await anteroom("script", "waiting", "--project", "P")
    assert ran.out.startswith("5 waiting in the project: nothing is to be done")
    ran = await anteroom("script", "set", "-", stdin='version "6.7"\n')
    assert (ran.code, ran.err) == (0, said)


async def test_those_of_other_versions_are_run_again(anteroom: CommandLine, facts: Facts) -> None:
    ran = await anteroom("script", "rerun", "--reason", "ward")
    assert ran.out == "no session waits that another version has made\n"
    facts.script_waiting["site"] = SOME
    ran = await anteroom("script", "rerun", "--reason", "ward", "--no-wait", "--json")
    assert (ran.code, len(ran.json)) == (0, 23)
