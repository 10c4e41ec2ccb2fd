# SPDX-License-Identifier: Apache-2.0
"""`anteroom settings`: settings are listed, explained, changed and let go."""

from __future__ import annotations

from tests.console.conftest import CommandLine


async def test_settings_are_listed_changed_and_reset(anteroom: CommandLine) -> None:
    assert (await anteroom("settings", "list", "--changed")).out.startswith("every setting has")
    ran = await anteroom("settings", "set", "session.build_after=600", "--reason", "slow scanner")
    assert (ran.code, ran.out) == (0, "session.build_after is 600 (set here)\n")
    (row,) = (await anteroom("settings", "list", "--changed", "--json")).json
    assert (row["name"], row["value"], row["default"]) == ("session.build_after", "600", "300")
    ran = await anteroom("settings", "show", "session.build_after", "paths.archive")
    assert "slow scanner" in ran.out and "in the file, with the next start" in ran.out
    assert "After how many seconds without a new object a session is built." in ran.out
    ran = await anteroom("settings", "reset", "session.build_after")
    assert ran.out == "session.build_after is 300 (default)\n"


async def test_what_is_wrong_is_said(anteroom: CommandLine) -> None:
    for words, said in (
        (("set", "session.build_after=soon"), "session.build_after: expected"),
        (("set", "paths.archive=/x"), "read from the settings file when the engine starts"),
        (("show", "nothing"), "there is no setting nothing"),
        (("reset", "nothing.at_all"), "there is no setting nothing.at_all"),
    ):
        ran = await anteroom("settings", *words)
        assert ran.code == 1 and said in ran.err
