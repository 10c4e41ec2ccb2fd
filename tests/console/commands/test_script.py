# SPDX-License-Identifier: Apache-2.0
"""`anteroom script`: what its commands write and how they end. For `check` no engine runs."""

from __future__ import annotations

from pathlib import Path

from tests.console.conftest import CommandLine
from tests.memory import Facts
from tests.memory.configuration import project

HIDE = 'version "6.7"\n(0010,0010) := subject\n'


async def test_a_script_is_checked_without_an_engine(alone: CommandLine, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.das", tmp_path / "bad.das"
    good.write_text('version "6.7"\nreject[]\n', encoding="utf-8")
    bad.write_text('version "6.7"\nreject[]\n(0011,0010) := "x"\n', encoding="utf-8")
    ran = await alone("script", "check", str(good))
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [f"{good}:2:1: warning: this rejects every object: put it behind a condition"],
    )
    ran = await alone("script", "check", str(bad))
    assert ran.code == 1
    first, second = ran.out.splitlines()
    assert first.startswith(f"{bad}:2:1: warning: ")
    assert second.startswith(f"{bad}:3:1: group 0011 is odd")


async def test_programs_read_what_was_found(alone: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "bad.das"
    file.write_text("-(0010,0010\n", encoding="utf-8")
    ran = await alone("script", "check", str(file), "--json")
    assert ran.code == 1
    (found,) = ran.json
    assert (found["line"], found["column"], found["severity"]) == (1, 2, "error")
    assert found["path"] == str(file)


async def test_a_file_that_is_missing_or_no_text_is_told(
    alone: CommandLine, tmp_path: Path
) -> None:
    ran = await alone("script", "check", str(tmp_path / "missing"))
    assert (ran.code, "there is no file" in ran.err) == (1, True)
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe")
    ran = await alone("script", "check", str(file))
    assert (ran.code, "UTF-8" in ran.err) == (1, True)


async def test_a_script_is_set_shown_and_listed(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.projects["NEURO3"] = project("NEURO3")
    file, table = tmp_path / "site.das", tmp_path / "site.lut"
    file.write_text(HIDE, encoding="utf-8")
    table.write_text("site/a = b\n", encoding="utf-8")
    ran = await anteroom("script", "set", str(file), "--lookup", str(table), "--reason", "agreed")
    assert (ran.code, ran.out, ran.err) == (0, "site script, version 1: in force\n", "")
    ran = await anteroom("script", "set", "-", "--project", "NEURO3", stdin=HIDE + "reject[]\n")
    assert ran.out == "project:NEURO3 script, version 1: in force\n"
    assert ran.err.startswith("3:1: warning: this rejects every object")
    ran = await anteroom("script", "show", "--site")
    assert (ran.out, ran.err) == (HIDE, "")
    assert (await anteroom("script", "show", "--lookups")).out == "site/a = b\n"
    ran = await anteroom("script", "show", "--project", "NEURO3", "--json")
    assert (ran.json["version"], ran.json["enabled"], ran.json["language"]) == (1, True, 6)
    ran = await anteroom("script", "list")
    header, first, second = ran.out.splitlines()
    assert header.split()[:3] == ["SCOPE", "ENABLED", "VERSION"]
    assert first.split()[:3] == ["site", "yes", "1"] and "agreed" in first
    assert second.startswith("project:NEURO3")
    listed = (await anteroom("script", "list", "--json")).json
    assert [one["scope"] for one in listed] == ["site", "project:NEURO3"]
    assert "text" not in listed[0]


async def test_a_script_is_turned_off_and_on(anteroom: CommandLine) -> None:
    ran = await anteroom("script", "enable")
    assert (ran.code, "has no script yet" in ran.err) == (1, True)
    assert (await anteroom("script", "show")).err == "nobody has written a script yet\n"
    assert (await anteroom("script", "history")).out == "nobody has written a script yet\n"
    assert (await anteroom("script", "list")).out == "there are no scripts\n"
    await anteroom("script", "set", "-", stdin=HIDE)
    ran = await anteroom("script", "disable", "--site")
    assert ran.out == "site script, version 1: kept, not enabled\n"
    assert (await anteroom("script", "show")).err == "this script is not enabled\n"
    ran = await anteroom("script", "enable", "--json")
    assert ran.json["enabled"] is True


async def test_versions_are_compared_and_brought_back(anteroom: CommandLine) -> None:
    await anteroom("script", "set", "-", stdin=HIDE)
    await anteroom("script", "set", "-", stdin=HIDE + "- (0010,0030)\n")
    ran = await anteroom("script", "diff", "1")
    assert ran.out.splitlines()[:2] == ["--- site script, version 1", "+++ site script, version 2"]
    assert "+- (0010,0030)" in ran.out.splitlines()
    backwards = (await anteroom("script", "diff", "2", "1", "--json")).json
    assert "-- (0010,0030)" in backwards
    ran = await anteroom("script", "activate", "1", "--reason", "too much")
    assert ran.out == "site script, version 1: in force\n"
    assert (await anteroom("script", "show", "--version", "2")).err == (
        "this version is not the active one\n"
    )
    ran = await anteroom("script", "history")
    assert [line.split()[:2] for line in ran.out.splitlines()[1:]] == [["2", "no"], ["1", "yes"]]
    ran = await anteroom("script", "activate", "7")
    assert (ran.code, "no version 7" in ran.err) == (1, True)


async def test_a_script_with_faults_is_not_set(anteroom: CommandLine) -> None:
    ran = await anteroom("script", "set", "-", stdin='version "6.7"\n(0011,0010) := "x"\n')
    assert (ran.code, ran.out) == (1, "")
    assert "2:1: group 0011 is odd" in ran.err
    ran = await anteroom("script", "set", "-", "--project", "NOBODY", stdin=HIDE)
    assert (ran.code, "there is no project NOBODY" in ran.err) == (1, True)
    ran = await anteroom("script", "show", "--site", "--project", "NEURO3")
    assert (ran.code, "not of both" in ran.err) == (1, True)
    assert (await anteroom("script", "history", "--json")).json == []


async def test_a_script_of_4_2_is_turned_without_an_engine(
    alone: CommandLine, tmp_path: Path
) -> None:
    old = tmp_path / "old.das"
    old.write_text("(0010,0010) := subject\n", encoding="utf-8")
    ran = await alone("script", "migrate", str(old))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith('version "6.7"\n') and "(0010,0010) := subject\n" in ran.out
    old.write_text('(0010,0010) := subject\n(0009,1002) := "x"\n', encoding="utf-8")
    ran = await alone("script", "migrate", str(old), "--json")
    assert (ran.code, ran.json["remarks"][0]["line"]) == (1, 2)
    ran = await alone("script", "migrate", str(old))
    assert ran.err.startswith(f"{old}:2:1: version 6 names private elements by their creator")
    old.write_text(HIDE, encoding="utf-8")
    ran = await alone("script", "migrate", str(old))
    assert (ran.code, "already" in ran.err) == (1, True)
