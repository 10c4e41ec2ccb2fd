# SPDX-License-Identifier: Apache-2.0
"""What a backup refuses and finds out: folders in one another or in use, files that were changed,
full disks, and settings that would bring a restored home to the stores of the old one."""

from __future__ import annotations

import asyncio
import errno
import json
import threading
from pathlib import Path

import pytest

from engine.backup import pile
from engine.backup.manifest import HEAD, MANIFEST
from engine.database.migration import migrate
from engine.model.errors import Conflict, EngineError, NotFound, Refused, Unavailable
from engine.model.home import Home
from engine.service import backups
from engine.storage.standstill import Standstill

OBJECT = "P/20240102_030405/session/SCANS/1/DICOM/1.dcm"


def quiet(_what: str, _files: int, _bytes: int) -> None:
    """Hear of no progress."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its databases and one object that waits, its archive elsewhere."""
    made = Home(tmp_path / "home")
    made.root.mkdir()
    made.settings_file.write_text(f"paths:\n  archive: {tmp_path / 'store'}\n", "utf-8")
    settings = made.create()
    for section in ("archive", "prearchive"):
        url = getattr(settings.databases, f"{section}_url")
        threading_run(migrate(url, section))
    file = settings.paths.prearchive / OBJECT
    file.parent.mkdir(parents=True)
    file.write_bytes(b"pixels" * 1000)
    (made.root / "key.pem").write_text("secret", "utf-8")
    (made.root / "key.pem").chmod(0o600)
    return made


def threading_run(work: object) -> None:
    """Run a coroutine in a thread of its own: the one of the tests may have a loop."""
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


def test_a_home_comes_back_with_all_stores_within(home: Home, tmp_path: Path) -> None:
    made = backups.back_up(home, tmp_path / "kept", told=quiet)
    assert made.backup.warnings == ()
    again = Home(tmp_path / "again")
    restored = backups.bring_back(tmp_path / "kept", again, told=quiet)
    assert restored.brought_in == ("paths.archive",)
    assert again.create().paths.archive == again.root / "archive"
    assert (again.prearchive.root / OBJECT).read_bytes() == b"pixels" * 1000
    assert (again.prearchive.root / OBJECT).stat().st_nlink == 1
    assert (again.root / "key.pem").stat().st_mode & 0o777 == 0o600
    assert not (again.root / ".restoring").exists()


def test_the_next_backup_links_what_is_the_same(home: Home, tmp_path: Path) -> None:
    first = backups.back_up(home, tmp_path / "kept", told=quiet)
    second = backups.back_up(home, tmp_path / "kept", told=quiet)
    one, other = (
        Path(each.backup.path, "home", "key.pem").stat().st_ino for each in (first, second)
    )
    assert one == other
    assert backups.verify(tmp_path / "kept", told=quiet) == second.backup
    assert backups.verify(Path(first.backup.path), told=quiet) == first.backup


@pytest.mark.parametrize("place", ["home", "home/backups", "store/backups", "."])
def test_backups_and_home_lie_apart(home: Home, tmp_path: Path, place: str) -> None:
    with pytest.raises(Refused, match="in one another"):
        backups.back_up(home, tmp_path / place, told=quiet)


def test_a_folder_with_something_else_is_left_alone(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "papers"
    other.mkdir()
    (other / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(Refused, match=r"letter\.txt"):
        backups.back_up(home, other, told=quiet)
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("fault", ["changed", "longer", "gone", "manifest", "head"])
def test_nothing_is_restored_from_what_was_changed(home: Home, tmp_path: Path, fault: str) -> None:
    backup = Path(backups.back_up(home, tmp_path / "kept", told=quiet).backup.path)
    key = backup / "home" / "key.pem"
    if fault == "changed":
        key.write_text("sEcret", "utf-8")
    elif fault == "longer":
        key.write_text("secrets", "utf-8")
    elif fault == "gone":
        key.unlink()
    elif fault == "manifest":
        manifest = backup / MANIFEST
        manifest.write_text(manifest.read_text("utf-8").replace("key.pem", "../.pem"), "utf-8")
    else:
        (backup / HEAD).unlink()
    with pytest.raises(EngineError) as told:
        backups.bring_back(backup, Home(tmp_path / "again"), told=quiet)
    assert isinstance(told.value, (Refused if fault in ("manifest", "head") else Unavailable))
    assert not (tmp_path / "again").exists()


def test_a_home_that_holds_something_is_left_alone(home: Home, tmp_path: Path) -> None:
    backups.back_up(home, tmp_path / "kept", told=quiet)
    with pytest.raises(Conflict, match="not empty"):
        backups.bring_back(tmp_path / "kept", home, told=quiet)
    with pytest.raises(NotFound):
        backups.bring_back(tmp_path / "store", Home(tmp_path / "again"), told=quiet)


def test_a_full_disk_leaves_nothing_of_the_backup(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backups.back_up(home, tmp_path / "kept", told=quiet)

    def full(*_: object) -> tuple[str, int]:
        raise OSError(errno.ENOSPC, "no room")

    (home.root / "key.pem").write_text("another secret", "utf-8")
    monkeypatch.setattr(pile, "_copy_open", full)
    with pytest.raises(OSError, match="no room"):
        backups.back_up(home, tmp_path / "kept", told=quiet)
    assert [str(path) for path in (tmp_path / "kept").iterdir()] == [first.backup.path]
    assert backups.verify(tmp_path / "kept", told=quiet) == first.backup


def test_what_is_restored_half_is_begun_anew(home: Home, tmp_path: Path) -> None:
    backups.back_up(home, tmp_path / "kept", told=quiet)
    again = Home(tmp_path / "again")
    (again.root / ".restoring" / "archive").mkdir(parents=True)
    backups.bring_back(tmp_path / "kept", again, told=quiet)
    assert again.exists


async def test_nobody_moves_files_while_they_are_copied(tmp_path: Path) -> None:
    still = Standstill(tmp_path)
    waited: list[bool] = []
    waiting, moved = asyncio.Event(), asyncio.Event()

    def waits(begins: bool) -> None:
        waited.append(begins)
        waiting.set()

    async def move() -> None:
        async with still.working(waits=waits):
            moved.set()

    with still.hold():
        with pytest.raises(Unavailable, match="backup"):
            async with still.working(patience=0.0):
                pass
        with pytest.raises(Unavailable), still.hold(patience=0.0):
            pass
        task = asyncio.create_task(move())
        await waiting.wait()
        assert not moved.is_set()
    await task
    assert waited == [True, False]
    async with still.working():
        async with still.working():
            pass
        with pytest.raises(Unavailable, match="jobs"), still.hold(patience=0.0):
            pass


def test_the_manifest_names_every_file(home: Home, tmp_path: Path) -> None:
    odd = home.root / "inbox" / "über\n\udcff"
    odd.write_bytes(b"x")
    backup = Path(backups.back_up(home, tmp_path / "kept", told=quiet).backup.path)
    lines = [json.loads(line) for line in (backup / MANIFEST).read_text("utf-8").splitlines()]
    assert "home/inbox/%C3%BCber%0A%FF" in {line["path"] for line in lines}
    again = Home(tmp_path / "again")
    backups.bring_back(backup, again, told=quiet)
    assert (again.root / "inbox" / odd.name).read_bytes() == b"x"
