# SPDX-License-Identifier: Apache-2.0
"""Who may read a home: whatever the umask is, whatever was there, and whoever it belongs to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.model import access
from engine.model.errors import Refused
from engine.model.home import Home, Origin

SECRET = "databases: {archive_url: 'postgresql://me:secret@host/db'}\n"


def modes(root: Path) -> dict[str, int]:
    """Return the permission bits of all that is below a folder, and of the folder as `.`."""
    return {
        path.relative_to(root).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (root, *root.rglob("*"))
    }


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["000", "022", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every umask that people have."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def other_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files seem to belong to somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12_345)


@pytest.fixture(params=["new", "there"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A place for a home, empty or as an earlier version has left it, open to everybody."""
    root = tmp_path / "home"
    if request.param == "there":
        for name in ("prearchive/.journals", "prearchive/.staging", "prearchive/.originals"):
            (root / name).mkdir(parents=True)
        for name in ("prearchive/.trash", "trash", "archive", "inbox", "logs"):
            (root / name).mkdir()
        for name in ("anteroom.yaml", "logs/engine.log", "logs/engine.log.1", "logs/engine.err"):
            (root / name).touch()
        for path in (root, *root.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
    return root


@pytest.mark.usefixtures("umask")
def test_a_users_home_is_his_alone(root: Path) -> None:
    was_there = root.exists()
    Home(root).create()
    found = modes(root)
    # Who was let into the archive and the inbox by their group still is; others never are.
    wider = {found.pop("archive"), found.pop("inbox")}
    assert wider == ({0o770} if was_there else {0o700})
    assert {mode for name, mode in found.items() if (root / name).is_dir()} == {0o700}
    assert {mode for name, mode in found.items() if (root / name).is_file()} == {0o600}


@pytest.mark.usefixtures("umask")
def test_the_group_of_a_system_home_reaches_the_socket(root: Path) -> None:
    was_there = root.exists()
    Home(root, Origin.SYSTEM).create()
    found = modes(root)
    assert found["."] == 0o750
    assert found["anteroom.yaml"] == (0o640 if was_there else 0o600)
    assert found["inbox"] == 0o770
    assert found["archive"] == (0o770 if was_there else 0o750)
    private = [name for name in found if name.startswith(("prearchive", "trash", "logs"))]
    assert all(found[name] in (0o700, 0o600) for name in private)


def test_what_is_narrower_stays(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", Origin.SYSTEM)
    home.create()
    home.root.chmod(0o700)
    home.archive.chmod(0o700)
    home.create()
    assert modes(home.root)["."] == modes(home.root)["archive"] == 0o700


@pytest.mark.usefixtures("other_user")
def test_what_is_not_ours_to_tighten_is_refused_in_words(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    home.archive.mkdir()
    home.archive.chmod(0o755)
    with pytest.raises(
        Refused, match=r"archive is open to others \(mode 755\), and belongs to"
    ) as no:
        home.create()
    assert f"chmod 750 {home.archive}" in no.value.hint
    assert modes(home.root)["archive"] == 0o755


def test_a_file_system_that_keeps_its_modes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    with pytest.raises(Refused, match="its file system keeps it so"):
        access.tighten(tmp_path, 0o700)


@pytest.mark.parametrize(("text", "refused"), [(SECRET, True), ("{}\n", False)])
@pytest.mark.usefixtures("other_user")
def test_settings_of_somebody_else_may_be_open_as_long_as_they_hold_no_password(
    tmp_path: Path, text: str, refused: bool
) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    home.settings_file.write_text(text)
    home.settings_file.chmod(0o644)
    if refused:
        with pytest.raises(Refused, match=r"anteroom\.yaml is open to others"):
            home.create()
    else:
        home.create()


@pytest.mark.parametrize(
    "place",
    ["/", "/etc/anteroom", "/usr/local/share/pacs", "/usr", "/tmp", "/home", "/var/lib", "/dev/x"],
)
def test_a_store_within_the_system_is_refused_and_nothing_is_touched(
    tmp_path: Path, place: str
) -> None:
    before = os.stat(place if os.path.exists(place) else "/").st_mode
    home = Home(tmp_path / "home")
    home.root.mkdir()
    for part in ("prearchive", "archive", "trash", "inbox"):
        home.settings_file.write_text(f"paths: {{{part}: {place}}}\n")
        with pytest.raises(Refused, match=f"paths.{part} of the settings cannot be {place},"):
            home.create()
    with pytest.raises(Refused, match=f"the home cannot be {place},"):
        Home(Path(place)).create()
    assert os.stat(place if os.path.exists(place) else "/").st_mode == before
    assert [path.name for path in home.root.iterdir()] == ["anteroom.yaml"]


def test_a_link_hides_no_folder_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "store").symlink_to("/etc")
    with pytest.raises(Refused):
        access.check_place(tmp_path / "store" / "x", "the store")


def test_places_of_its_own_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me" / "here"))
    for place in ("/srv/anteroom", "/var/lib/anteroom", "/dev/shm/anteroom", tmp_path / "me/here"):
        access.check_place(Path(place), "the store")
    with pytest.raises(Refused, match="not of its own"):
        access.check_place(tmp_path / "me", "the store")
    system = Path("/etc/anteroom/home")
    access.check_place(system / "archive", "the store", but=system)


def test_a_home_is_the_systems_by_whatever_name_it_is_found(tmp_path: Path) -> None:
    (tmp_path / "pointer").write_text(f"{tmp_path}/home\n")
    for home in (
        Home.find(tmp_path / "home", {}, system=tmp_path / "pointer"),
        Home.find(None, {"ANTEROOM_HOME": f"{tmp_path}/home"}, system=tmp_path / "pointer"),
        Home.find(None, {}, system=tmp_path / "pointer"),
    ):
        assert home.of_system
    assert not Home.find(tmp_path / "other", {}, system=tmp_path / "pointer").of_system
