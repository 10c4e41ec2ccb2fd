# SPDX-License-Identifier: Apache-2.0
"""The configuration as files: written by one home, applied to an empty one, and written by that
again as the same bytes; every fault told at once, with its line, before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.line.serving import Served
from tests.line.test_backup import anteroom

SCRIPT = 'version "6.3"\n(0010,0010) := "x"\n'


async def test_a_configuration_goes_from_home_to_home(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    first, second = serve(), serve(name="second")
    await first.start()
    async with first.asked() as engine:
        await engine.projects.add("P", title="Knee: a study", aliases=("knee", "other one"))
        await engine.projects.set("P", {"prearchive_code": "0", "description": "two\nlines"})
        await engine.projects.add("Q")
        await engine.scripts.set("project:P", SCRIPT, "patient/Doe = D1\n")
        await engine.scripts.set("project:Q", 'version "6.3"\n(0010,0020) := "y"  \r\n')
        await engine.scripts.disable("project:Q")
        await engine.rules.set("site", "project", "(0008,0080):Site (.*):1\n")
        values = {"transfer_syntaxes": "JPEGLSLossless", "allow": "CT1, 10.0.0.0/8"}
        await engine.receivers.add("OTHER ONE", 11113, values={**values, "enabled": "false"})
        await engine.remotes.add("PACS1", "PACS", "pacs.example.org", 104, {"max_pdu": "16384"})
    files, again = tmp_path / "files", tmp_path / "again"
    await anteroom("--home", str(first.home), "config", "export", str(files))
    await second.start()
    home = ("--home", str(second.home))
    out, _ = await anteroom(*home, "apply", str(files), "--dry-run")
    assert "+ project P" in out
    assert "Doe" not in out
    async with second.asked() as engine:
        assert await engine.projects.list() == ()
    await anteroom(*home, "apply", str(files))
    await anteroom(*home, "config", "export", str(again))
    texts = {path.name: path.read_bytes() for path in sorted(files.iterdir())}
    assert texts == {path.name: path.read_bytes() for path in sorted(again.iterdir())}
    assert {path.stat().st_mode & 0o777 for path in files.iterdir()} == {0o600}
    async with second.asked() as engine:
        events = len((await engine.audit.list(limit=500)).rows)
        versions = [row.version for row in await engine.scripts.list()]
    out, _ = await anteroom(*home, "apply", str(files))
    assert out == "everything is as the files say\n"
    async with second.asked() as engine:
        assert len((await engine.audit.list(limit=500)).rows) == events
        assert [row.version for row in await engine.scripts.list()] == versions

    (files / "remotes.yaml").write_text("PACS2: {ae_title: P, host: p, port: 11112}\n", "utf-8")
    (files / "projects.yaml").write_text("P: {prearchive_code: 4}\n", "utf-8")
    out, _ = await anteroom(*home, "apply", str(files), "--json")
    assert {(row["act"], row["name"], row["done"]) for row in json.loads(out)} == {
        ("change", "P", True),
        ("add", "PACS2", True),
        ("remove", "PACS1", False),
        ("remove", "Q", False),
    }
    await anteroom(*home, "apply", str(files), "--remove")
    async with second.asked() as engine:
        assert [row.name for row in await engine.remotes.list()] == ["PACS2"]
        assert [(row.id, row.title, row.aliases) for row in await engine.projects.list()] == [
            ("P", "", ()),
            ("Q", "", ()),
        ]


async def test_all_faults_are_told_at_once(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    await served.start()
    files = tmp_path / "files"
    files.mkdir()
    (files / "projects.yaml").write_text(
        "GOOD: {prearchive_code: 4}\nBAD:\n  prearchive_code: 7\nWORSE:\n  titel: x\n", "utf-8"
    )
    (files / "scripts.yaml").write_text(
        'site:\n  enabled: true\n  text: |\n    version "6.3"\n    (0010,0010 := "x"\n', "utf-8"
    )
    (files / "rules.yaml").write_text("site project:\n  text: |\n    nonsense\n", "utf-8")
    (files / "remotes.yaml").write_text("R: {ae_title: A, host: h}\n", "utf-8")
    (files / "receivers.yaml").write_text("A:1: {anonymize: maybe}\n", "utf-8")
    (files / "people.txt").write_text("", "utf-8")
    (files / "strange.yaml").write_text("", "utf-8")
    _, err = await anteroom("--home", str(served.home), "apply", str(files), exits=1)
    places = [
        line.strip().removeprefix(f"{files}/").split(": ")[0].rsplit(":", 1)[0]
        for line in err.splitlines()
        if str(files) in line and line.startswith("  ")
    ]
    assert places == [
        "projects.yaml:2",
        "projects.yaml:4",
        "projects.yaml:5",
        "receivers.yaml:1",
        "remotes.yaml:1",
        "rules.yaml:3",
        "scripts.yaml:5",
        "strange.yaml:1",
    ]
    async with served.asked() as engine:
        assert await engine.projects.list() == ()
