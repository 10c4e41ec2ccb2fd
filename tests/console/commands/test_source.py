# SPDX-License-Identifier: Apache-2.0
"""Texts that commands are given, from files and from stdin."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.commands.source import read_source
from engine.model.errors import InvalidInput, NotFound
from tests.console.conftest import CommandLine


def test_a_text_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("one\r\ntwo ä".encode())
    assert read_source(str(tmp_path / "file")) == "one\r\ntwo ä"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe4")
    for name in ("latin", ""):
        with pytest.raises(InvalidInput, match="cannot be read as UTF-8 text"):
            read_source(str(tmp_path / name))
    with pytest.raises(NotFound, match="no file"):
        read_source(str(tmp_path / "nowhere"))


async def test_rule_lines_of_other_systems_are_stored_with_our_ends_of_lines(
    anteroom: CommandLine,
) -> None:
    lines = "(0020,000E):(.*):1 t:.+ r:PROJ\r\n(0010,0020):(.+)\r\n"
    assert (await anteroom("rules", "set", "project", "-", stdin=lines)).code == 0
    shown = await anteroom("rules", "show", "project", "--json")
    assert shown.json["text"] == lines.replace("\r\n", "\n")
