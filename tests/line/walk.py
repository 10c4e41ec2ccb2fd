# SPDX-License-Identifier: Apache-2.0
"""One session on its way from a scanner to the archive, by keys alone in a real terminal: the run
that a test makes, and that the pictures of the documentation are taken from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pydicom
import pydicom.data

from tests.line.serving import Served, until
from tests.line.terminal import Terminal

SAMPLES = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
PROJECT = "NEURO3"
SUBJECT, LABEL = "SUB-0311", "MR_0311_v1"
SCRIPT = """\
version "6.7"
// Runs while a session is archived, after the site script.
(0010,0010) := subject
(0018,1030) ~ "(?i).*phantom.*" ? reject[]
(0008,103E) := lowercase[(0008,103E)]
removeTags[*/(0010,4000), (0032,4000)]
retainPrivateTags[*/(0029,{SIEMENS CSA HEADER}XX)]
"""

Shown = Callable[[str], Awaitable[None]]
"""Is told the name of what the terminal shows now."""


def studies(folder: Path) -> tuple[Path, Path]:
    """Make copies of two studies of pydicom's samples: one that says where it belongs, and one that
    does not."""
    for name, comments in (
        ("98892003", f"Project:{PROJECT} Subject:{SUBJECT} Session:{LABEL}"),
        ("98892001", ""),
    ):
        uids: dict[str, str] = {}
        for path in sorted((SAMPLES / name).rglob("*")):
            if not path.is_file() or path.name in ("DICOMDIR", "README"):
                continue
            data = pydicom.dcmread(path)
            # One study: these samples come as several small ones.
            data.StudyInstanceUID = uids.setdefault("study", str(data.StudyInstanceUID))
            data.PatientName, data.PatientID = "Sample^Session", "S-0311"
            if comments:
                data.PatientComments = comments
            target = folder / name / f"{data.SOPInstanceUID}.dcm"
            target.parent.mkdir(parents=True, exist_ok=True)
            data.save_as(target)
    return folder / "98892003", folder / "98892001"


async def walk(served: Served, terminal: Terminal, work: Path, shown: Shown) -> None:
    """Send two studies, review one of them, archive it, and look at it in the archive."""
    known, unknown = studies(work)
    async with served.asked() as engine:
        await engine.projects.add(PROJECT, title="Waits for a reviewer")
        await engine.projects.set(PROJECT, {"prearchive_code": "0"})
        await terminal.run("--home", str(served.home))
        await terminal.until("Receiving now")
        assert await served.store(known) == 0
        assert await served.store(unknown) == 0
        await terminal.until(LABEL[:6])
        await shown("live")

        await terminal.press("2")
        await terminal.until(lambda screen: "Sessions" in screen and "● ready" in screen)

        async def built() -> bool:
            page = await engine.prearchive.list()
            return page.total == 2 and all(row.status == "READY" for row in page.rows)

        await until(engine, built)
        await terminal.until(lambda screen: screen.count("● ready") >= 2)
        await shown("prearchive")
        # In one write, as a person types who knows what he wants.
        await terminal.type(f"/project:{PROJECT}\r")
        await terminal.until(lambda screen: screen.count("● ready") == 1 and LABEL in screen)
        await terminal.press("Enter")
        await terminal.until("PatientName")
        await shown("session")
        await terminal.press(*"<<<<")
        await terminal.until("patient comments")
        await shown("routing")
        await terminal.press("?")
        await terminal.until("· keys")
        await shown("keys")
        await terminal.press("Escape")
        # Escape and a letter at once would be one key.
        await terminal.until(lambda screen: "· keys" not in screen)
        await terminal.press("a")
        await terminal.until("Archive 1 session?")
        await shown("question")
        await terminal.press("Enter")

        async def archived() -> bool:
            return (await engine.archive.list()).total == 1

        await until(engine, archived)
        await terminal.press("4")
        await terminal.until(lambda screen: "Accession" in screen and LABEL in screen)
        await shown("archive")
        await terminal.press("Enter")
        await terminal.until("PatientName")
        await shown("filed")
        await engine.scripts.set(f"project:{PROJECT}", SCRIPT, reason="as it was agreed")
        await terminal.press("5")
        await terminal.until("the site script")
        await terminal.press("j", "Enter")
        await terminal.until("Ln 1 Col 1")
        await terminal.press("Down", "End", "Enter")
        await terminal.type("- PatientBirthD")
        await terminal.until("1 error")
        await terminal.press("Tab")
        await terminal.until("Complete")
        await shown("script")
        await terminal.press("Escape")
        await terminal.until(lambda screen: "Complete" not in screen)
        await terminal.press("Escape")
        await terminal.until("1 of 1 project with one")
        await terminal.press("6")
        await terminal.until("site rules")
        await shown("projects")
        await terminal.press("0")
        await terminal.until("Checks")
        await shown("system")
