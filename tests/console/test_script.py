"""`anteroom script check`: what it writes and how it ends. No engine runs."""

from __future__ import annotations

from pathlib import Path

from tests.console.conftest import CommandLine


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
