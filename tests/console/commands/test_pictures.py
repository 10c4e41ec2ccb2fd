# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive picture` and `anteroom archive picture`."""

from __future__ import annotations

from pathlib import Path

import imagecodecs

from engine.model.pictures import Region, Window
from tests.console.conftest import CommandLine
from tests.memory.facts import Facts, session


async def test_a_picture_is_shown_in_the_terminal(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    told = await anteroom("prearchive", "picture", "MR_1")
    assert told.code == 0, told.err
    assert "▀" in told.out and "\x1b[38;2;" in told.out
    assert "25/48" in told.out and "256×256  W 890 L 410" in told.out
    assert "may contain text" in told.out


async def test_a_picture_is_written_once(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.keep(session(1))
    out = tmp_path / "a.png"
    words = ("prearchive", "picture", "MR_1", "--scan", "3", "--slice", "2", "--window", "40", "80")
    told = await anteroom(*words, "--region", "0", "0", "64", "32", "-o", str(out))
    assert told.code == 0, told.err
    assert imagecodecs.png_decode(out.read_bytes()).shape == (256, 256)
    assert out.stat().st_mode & 0o777 == 0o600
    ((id, asked),) = facts.pictured
    assert id == session(1).id
    assert (asked.scan, asked.number, asked.frame) == ("3", 1, None)
    assert asked.window == Window(centre=40.0, width=80.0)
    assert asked.region == Region(left=0, top=0, right=64, bottom=32)
    again = await anteroom("prearchive", "picture", "MR_1", "-o", str(out))
    assert again.code == 1 and "exists" in again.err


async def test_why_there_is_none_is_said(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.keep(session(1))
    facts.picture = {"why": "the object has no pixels", "pixels": b""}
    out = tmp_path / "a.png"
    told = await anteroom("prearchive", "picture", "MR_1", "-o", str(out))
    assert told.code == 1 and "the object has no pixels" in told.err
    assert not out.exists()
    told = await anteroom("prearchive", "picture", "MR_1", "--json")
    assert told.json["why"] == "the object has no pixels"
