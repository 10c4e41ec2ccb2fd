# SPDX-License-Identifier: Apache-2.0
"""`anteroom audit`: the trail is verified, listed and exported."""

from __future__ import annotations

from pathlib import Path

from engine.model.audit import AuditHead, head_line
from tests.console.conftest import CommandLine
from tests.memory import Facts
from tests.memory.facts import NOON


async def test_the_trail_is_compared_with_the_heads_of_a_file(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    file = tmp_path / "heads"
    ran = await anteroom("audit", "verify", "--head", str(file))
    assert ran.code == 1 and "cannot be read" in ran.err
    file.write_text("nothing of ours\n")
    ran = await anteroom("audit", "verify", "--all", "--head", str(file))
    assert ran.code == 1 and "holds no head" in ran.err
    heads = [AuditHead(number=n, hash="0" * 64, at=NOON) for n in range(1, 4002)]
    file.write_text("".join(f"{head_line(head)}\n" for head in heads))
    ran = await anteroom("audit", "verify", "--all", "--head", str(file))
    assert (ran.code, ran.out) == (
        0,
        "the chain holds (0 events; 1334 checkpoints and heads compared)\n",
    )
