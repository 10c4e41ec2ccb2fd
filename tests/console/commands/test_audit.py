# SPDX-License-Identifier: Apache-2.0
"""`anteroom audit`: the trail is verified, listed and exported."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from console.transfer import audit_file
from engine.model.archive import AuditEvent
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


def _event(number: int, **values: Any) -> AuditEvent:
    plain: dict[str, Any] = {
        "number": number,
        "id": f"event_{number}",
        "at": NOON,
        "actor": "ada",
        "action": "Moved",
        "object": f"pre_{number}",
        "detail": {},
        "hash": "0" * 64,
    }
    return AuditEvent(**plain | values)


async def test_the_trail_is_filtered_and_paged(anteroom: CommandLine, facts: Facts) -> None:
    facts.audit += [_event(1), _event(2, actor="=bob", project="P1"), _event(3, action="Deleted")]
    for words, numbers in (
        ((), [3, 2, 1]),
        (("--actor", "=bob"), [2]),
        (("--project", "P1"), [2]),
        (("--action", "Deleted"), [3]),
        (("--object", "pre_1"), [1]),
        (("--text", "mov"), [2, 1]),
        (("--life", "pre_3"), [3]),
        (("--since", "2026-09-12"), []),
        (("--until", "2026-09-12"), [3, 2, 1]),
        (("--before", "3", "--limit", "1"), [2]),
        (("--after", "0", "--limit", "1"), [1]),
    ):
        rows = (await anteroom("audit", "list", "--json", *words)).json
        assert [row["number"] for row in rows] == numbers, words
    ran = await anteroom("audit", "list", "--since", "soon")
    assert (ran.code, "is no time" in ran.err) == (1, True)


async def test_the_trail_is_exported_and_that_is_recorded(
    anteroom: CommandLine, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_file, "WINDOW", 2)
    facts.audit += [_event(n, detail={"reason": "x"} if n == 1 else {}) for n in range(1, 6)]
    facts.audit.append(_event(6, actor="=cmd|x"))
    ran = await anteroom("audit", "export", str(tmp_path / "trail.csv"))
    assert ran.code == 1 and "--csv or --json" in ran.err
    ran = await anteroom("audit", "export", "--csv", str(tmp_path / "trail.csv"))
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'trail.csv'}: 6 events\n")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trail.csv").read_text())))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert (rows[0]["detail"], rows[5]["actor"]) == ('{"reason": "x"}', "'=cmd|x")
    noted = facts.audit[-1]
    assert (noted.action, noted.object, noted.detail["count"]) == ("exported", "audit", 6)
    ran = await anteroom("audit", "export", "--json", "--actor", "ada", str(tmp_path / "trail"))
    lines = (tmp_path / "trail").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4, 5]
    ran = await anteroom("audit", "export", "--csv", str(tmp_path / "trail"))
    assert ran.code == 1 and "is there already" in ran.err
    assert {name for name in os.listdir(tmp_path) if "part" in name} == set()
