# SPDX-License-Identifier: Apache-2.0
"""One session from its first object to the archive, and one scanner until it is accepted, by
keyboard alone, on a real engine in this process: its own databases, jobs and receivers, and dcmtk
as the scanner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pydicom
import pytest
import pytest_asyncio
from pydicom.uid import generate_uid

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.runtime.preferences import Preferences
from console.widgets.dialogs import AskScreen
from engine.model.home import Home
from engine.model.people import Actor, Role
from engine.service.engine import Engine
from tests.conftest import Dcmtk
from tests.console.piloting import SMALL, WIDE, keys, painted, shown, table, turned, until
from tests.line.serving import Served
from tests.line.walk import LABEL, PROJECT, SUBJECT, studies

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    home = tmp_path_factory.mktemp("walk") / "home"
    settings = {
        "anonymization": {"site_script": False},
        "dicom": {"workers": 1},
        "node": {"name": "walk"},
        "session": {"build_after": 0.5, "check_every": 0.1},
    }
    found = Home.find(Served(home, settings).home, {})
    engine = await Engine.start(found, found.ensure().override({"dicom.port": 0}))
    api = engine.acting("root")
    await api.projects.add(PROJECT, title="Waits for a reviewer")
    await api.projects.set(PROJECT, {"prearchive_code": "0"})
    yield engine
    await engine.stop()


async def send(dcmtk: Dcmtk, engine: Engine, *folder: Path, calling: str = "STORESCU") -> None:
    """Send a folder; an echo without one."""
    port = str(engine.configuration.ports.own)
    program = (dcmtk("storescu"), "+sd", "+r") if folder else (dcmtk("echoscu"),)
    sender = await asyncio.create_subprocess_exec(
        *program,
        *("-aet", calling, "-aec", "ANTEROOM", "127.0.0.1", port, *map(str, folder)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await sender.wait() == 0


def another_study(folder: Path) -> None:
    """Let objects have other UIDs: what is archived already is not kept."""
    study = generate_uid()
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        data.StudyInstanceUID, data.SOPInstanceUID = study, generate_uid()
        data.PatientComments = f"Project:{PROJECT} Subject:{SUBJECT} Session:PHANTOM"
        data.save_as(path)


def listed(app: ConsoleApp) -> list[tuple[str, str]]:
    """Return state and label of the sessions in the list."""
    return [(row.cells[0], row.cells[3]) for row in table(app, "sessions").rows]


async def test_a_session_goes_from_the_scanner_to_the_archive_by_keyboard(
    engine: Engine, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    known, unknown = studies(tmp_path)
    app = ConsoleApp(
        engine.acting("root"), memory=StateFile(None), preferences=Preferences(reaction=0)
    )
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Receiving now")
        await send(dcmtk, engine, known)
        await send(dcmtk, engine, unknown)
        await shown(pilot, LABEL[:8], "STORESCU")

        await pilot.press("2")
        await until(pilot, lambda: painted(app).count("● ready") >= 2)
        # What nothing routed is masked.
        assert "▒▒▒" in painted(app)
        await pilot.press("slash", *f"project:{PROJECT}", "enter")
        await until(pilot, lambda: len(keys(app, "sessions")) == 1)
        await pilot.press("enter")
        await shown(pilot, "PatientName", "Sample^Session", SUBJECT)
        await turned(pilot, "Routing")
        await until(pilot, lambda: "patient comments" in painted(app).lower())
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(app, "sessions")) == 1)

        # Another label, and back again.
        await pilot.press("i")
        await shown(pilot, "Relabel a session")
        await pilot.press("ctrl+u", *"OTHER_1", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: listed(app) == [("● ready", "OTHER_1")])
        await pilot.press("u")
        await until(pilot, lambda: listed(app) == [("● ready", LABEL)])

        # Into the trash, and back again.
        await pilot.press("x")
        await shown(pilot, "Delete 1 session")
        await pilot.press("enter")
        await until(pilot, lambda: "Delete 1 session" not in painted(app))
        assert len(keys(app, "sessions")) == 1
        await pilot.press("x")
        await shown(pilot, "Delete 1 session")
        await pilot.press("down", *"by mistake", "enter", "enter")
        await until(pilot, lambda: keys(app, "sessions") == [])
        await pilot.press("u")
        await until(pilot, lambda: listed(app) == [("● ready", LABEL)])

        await pilot.press("a")
        await shown(pilot, "Archive 1 session?")
        await pilot.press("enter")
        await until(pilot, lambda: keys(app, "sessions") == [])

        await pilot.press("4")
        await shown(pilot, LABEL, "ANTEROOM_E00001")
        await pilot.press("enter")
        await shown(pilot, "PatientName", LABEL)

        # Into quarantine, out of it again, and locked.
        await pilot.press("3")
        await shown(pilot, "f shows those, too")
        await pilot.press("slash", *"status:active", "enter")
        await until(pilot, lambda: keys(app, "states") == ["ANTEROOM_E00001"])
        await pilot.press("b")
        await shown(pilot, "Hold 1 session in quarantine?")
        await pilot.press(*"look once more", "enter", "enter")
        await until(pilot, lambda: keys(app, "states") == [])
        await pilot.press("escape")
        await shown(pilot, "◐ quarantine", "1 waits", "no PHI gate", "“look once more”")
        await pilot.press("a")
        await shown(pilot, "Release 1 session from quarantine?")
        await pilot.press(*"all is well", "enter", "enter")
        await until(pilot, lambda: keys(app, "states") == [])
        await pilot.press("u")
        await until(pilot, lambda: keys(app, "states") == ["ANTEROOM_E00001"])
        await pilot.press("a")
        await shown(pilot, "Release 1 session from quarantine?")
        await pilot.press(*"all is well", "enter", "enter")
        await until(pilot, lambda: keys(app, "states") == [])

        # All that it went through, from its first object on.
        await pilot.press("8")
        await shown(pilot, "Entries", "Began receiving")
        await pilot.press("slash", *"life:ANTEROOM_E00001", "enter")
        await shown(pilot, "Restored from t", "Transferred", "Quarantined", "Activated")
        await pilot.press("t")
        await shown(pilot, "chain verified to #")
        await pilot.press("4", "q", "q")
    filed = await engine.acting("root").archive.list()
    assert [(row.project, row.subject, row.label) for row in filed.rows] == [
        (PROJECT, SUBJECT, LABEL)
    ]
    report = await engine.acting("root").audit.verify()
    assert report.ok


async def test_a_scanner_is_accepted_by_keyboard(
    engine: Engine, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    known, _ = studies(tmp_path)
    another_study(known)
    images = len(list(known.iterdir()))
    file = tmp_path / "record.txt"
    app = ConsoleApp(
        engine.acting("root"), memory=StateFile(None), preferences=Preferences(reaction=0)
    )
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "Receiving now")
        await pilot.press("0")
        await shown(pilot, "Checks")
        await pilot.press("d")
        await shown(pilot, "no scanner was tried yet")
        await pilot.press("n")
        await shown(pilot, "Try a scanner")
        await pilot.press(*"CT1", "enter", "enter", *str(images + 1), "enter", "enter")
        await shown(pilot, "Next         let CT1 call ANTEROOM")

        # Nothing is pressed: the steps follow what arrives.
        await send(dcmtk, engine, calling="CT1")
        await shown(pilot, "✓ done: 1 echo answered", "Next         let it send a series")
        await send(dcmtk, engine, known, calling="CT1")
        await pilot.press("enter")
        await shown(pilot, f"{PROJECT} (project: patient comments", f"✓ done: {images} objects")
        await pilot.press("o", ">", ">")
        await shown(pilot, "PHANTOM", "Routing")
        await pilot.press("q")
        await shown(pilot, "counts: count again at the scanner", f"{images} of {images + 1} are")
        await pilot.press("escape", "i")
        await shown(pilot, "Images that CT1 counts")
        await pilot.press("ctrl+u", *str(images), "enter", "enter")
        await shown(pilot, "all is done: a signs it")

        await pilot.press("a")
        await shown(pilot, "All steps are done.")
        await pilot.press(*"accepted", "enter", *"seen by both", "enter", "enter")
        await shown(pilot, "✓ accepted", "seen by both")
        await pilot.press("e")
        await shown(pilot, "record as text")
        await pilot.press("enter")
        await shown(pilot, "If it is there")
        await pilot.press("ctrl+u", *str(file), "enter", "enter", "enter")
        await until(pilot, file.exists)
    text = file.read_text("utf-8")
    assert "Verdict:         accepted" in text
    assert f"{images} of {images} are here" in text
    assert "Signature ____" in text
    (one,) = await engine.acting("root").acceptances.list()
    assert (one.calling, one.verdict, one.note) == ("CT1", "accepted", "seen by both")


async def test_people_are_given_roles_by_keyboard(engine: Engine) -> None:
    api = engine.acting("root")
    app = ConsoleApp(api, memory=StateFile(None), preferences=Preferences(reaction=0))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Receiving now")
        await pilot.press("0", "u")
        await shown(pilot, "System ▸ People")
        await pilot.press("n")
        await shown(pilot, "anteroom user add")
        await pilot.press(*"bea", "enter", *"Bea", "enter", *"71234", "enter", *"reviewer", "enter")
        await pilot.press(*PROJECT, "enter", "enter")
        await shown(pilot, f"{PROJECT} reviewer")
        assert (await api.people.show("bea")).name == "Bea"

        # What the engine objects to is said in the question, and nobody is added.
        await pilot.press("n")
        await shown(pilot, "anteroom user add")
        await pilot.press(*"tj", "enter", *"Toni", "enter", *"71234", "enter", "enter", "enter")
        await pilot.press("enter")
        await shown(pilot, "the Unix user 71234 is bea already")
        await pilot.press("escape")

        # Who asks for access stands there at once, and is answered.
        bea = Actor(name="bea", roles={PROJECT: frozenset({Role.REVIEWER})})
        await engine.acting(bea).people.ask(PROJECT, "owner", "the study is mine")
        await pilot.press("ctrl+r")
        await shown(pilot, "? bea")
        await pilot.press("home", "x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("up", "up", *"it is not", "enter", "enter")
        await until(pilot, lambda: "? bea" not in painted(app))
        assert await api.people.requests() == ()

        await until(pilot, lambda: "bea" in keys(app, "list"))
        table(app, "list").go_to_key("bea")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter", "enter")
        said = f"bea is no longer reviewer of {PROJECT}"
        await until(pilot, lambda: any(one.text == said for one in app.context.notices.all))
        assert (await api.people.show("bea")).grants == ()

        await pilot.press("o")
        await shown(pilot, "▐8 Audit▌", "who:bea", "Asked for access")
