# SPDX-License-Identifier: Apache-2.0
"""`anteroom script sample`."""

from __future__ import annotations

from dataclasses import replace

from engine.model.changes import ScriptOutcome
from engine.model.errors import Problem
from tests.console.conftest import CommandLine
from tests.memory.facts import Facts


async def test_samples_are_kept_listed_run_and_removed(anteroom: CommandLine, facts: Facts) -> None:
    assert (await anteroom("script", "sample", "list")).out == "no samples are kept\n"
    ran = await anteroom("script", "sample", "add", "pt-ct", "A1", "SCANS/1/DICOM/1.dcm")
    assert ran.out == "pt-ct: changed is expected\n"
    assert "SCANS/1/DICOM/1.dcm" in (await anteroom("script", "sample", "list")).out
    ran = await anteroom("script", "sample", "run", "-", stdin='version "6.7"\n')
    assert (ran.code, ran.out) == (0, "pt-ct: expected changed, is changed\n")
    problem = Problem(message="no date", line=6, column=3)
    facts.samples = [replace(facts.samples[0], tried=ScriptOutcome.ERROR, problem=problem)]
    ran = await anteroom("script", "sample", "run", "-", stdin='version "6.7"\n')
    assert (ran.code, ran.out) == (1, "pt-ct: expected changed, is error (6:3: no date)\n")
    ran = await anteroom("script", "sample", "remove", "pt-ct")
    assert (ran.code, facts.samples) == (0, [])
