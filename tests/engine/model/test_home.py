# SPDX-License-Identifier: Apache-2.0
"""The home: the order in which it is looked for, what is made, and that one engine has it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engine.model.errors import (
    Conflict,
    EngineError,
    InvalidInput,
    InvalidSettings,
    NotFound,
    Unavailable,
)
from engine.model.home import LONGEST_SOCKET, Home, Origin, PrearchiveFolder


@contextmanager
def short_folder() -> Iterator[Path]:
    """Provide a folder whose path leaves room for a socket, which that of a test does not
    always."""
    with TemporaryDirectory(prefix="a", dir="/tmp") as folder:
        yield Path(folder)


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


class TestFinding:
    """Where a home is looked for."""

    def test_the_one_named_comes_first(self, tmp_path: Path) -> None:
        home = Home.find(tmp_path / "a", {"ANTEROOM_HOME": "/b"}, system=tmp_path)
        assert home == Home(tmp_path / "a", Origin.NAMED)

    def test_then_the_environment(self, tmp_path: Path) -> None:
        home = Home.find(None, {"ANTEROOM_HOME": "/b"}, system=tmp_path)
        assert home == Home(Path("/b"), Origin.ENVIRONMENT)

    def test_then_the_system(self, tmp_path: Path) -> None:
        assert Home.find(None, {}, system=tmp_path) == Home(tmp_path, Origin.SYSTEM)

    def test_then_the_users_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        home = Home.find(None, {}, system=tmp_path / "none")
        assert home == Home(tmp_path / "anteroom", Origin.USER)

    def test_an_empty_variable_is_none(self, tmp_path: Path) -> None:
        assert Home.find(None, {"ANTEROOM_HOME": ""}, system=tmp_path).origin is Origin.SYSTEM

    def test_a_relative_name_is_made_absolute(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert Home.find(Path("here"), {}).root == tmp_path / "here"

    def test_the_system_home_may_be_a_link(self, tmp_path: Path) -> None:
        link = tmp_path / "home"
        link.symlink_to(tmp_path / "not-mounted")
        home = Home.find(None, {}, system=link)
        assert home == Home(tmp_path / "not-mounted", Origin.SYSTEM)

    def test_the_system_home_may_be_named_in_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "home"
        file.write_text("\n  /srv/anteroom \n")
        assert Home.find(None, {}, system=file) == Home(Path("/srv/anteroom"), Origin.SYSTEM)

    @pytest.mark.parametrize("content", [b"", b"srv/anteroom\n"])
    def test_a_file_that_names_no_place_is_told(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "home"
        file.write_bytes(content)
        with pytest.raises(InvalidInput, match="names no absolute path"):
            Home.find(None, {}, system=file)

    def test_a_file_that_is_no_text_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "home"
        file.write_bytes(b"\xff\xfe")
        with pytest.raises(Unavailable, match="cannot be read"):
            Home.find(None, {}, system=file)


class TestMaking:
    """What a home consists of."""

    def test_a_home_is_made_on_first_use(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        settings = home.ensure()
        assert home.exists
        assert settings.paths.archive == home.archive
        assert settings.databases.archive_url.endswith(str(home.archive_db))
        assert settings.databases.prearchive_url.endswith(str(home.prearchive_db))
        for folder in (home.archive, home.trash, home.inbox, home.logs, home.prearchive.staging):
            assert folder.is_dir()

    def test_making_it_again_keeps_everything(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        first = home.create()
        home.archive.chmod(0o770)
        (home.archive / "P").mkdir()
        assert home.create() == first
        assert mode(home.archive) == 0o770
        assert (home.archive / "P").is_dir()

    def test_stores_are_made_where_the_settings_put_them(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.root.mkdir()
        home.settings_file.write_text(f"paths: {{prearchive: {tmp_path}/phi, archive: big}}\n")
        settings = home.create()
        assert settings.paths.archive == home.root / "big"
        assert (home.root / "big").is_dir()
        assert mode(PrearchiveFolder(tmp_path / "phi").staging) == 0o700
        assert mode(home.prearchive_db.parent) == 0o700

    def test_wrong_settings_make_nothing(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.settings_file.write_text("dicom: {port: x}\n")
        with pytest.raises(InvalidSettings):
            home.ensure()
        assert list(tmp_path.iterdir()) == [home.settings_file]

    def test_a_system_home_is_never_made_by_accident(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home", Origin.SYSTEM)
        with pytest.raises(NotFound) as caught:
            home.ensure()
        assert "anteroom init" in caught.value.hint
        assert not home.root.exists()
        home.create()
        home.ensure()

    @pytest.mark.parametrize("name", ["what?", "a#b", "a\nb"])
    def test_a_path_that_no_database_address_can_hold(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InvalidInput):
            Home(tmp_path / name).create()
        assert not (tmp_path / name).exists()

    def test_a_home_that_cannot_be_made_is_told_in_words(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(EngineError, match="cannot be used"):
            Home(tmp_path / "file" / "home").create()


_HOLD = """
import sys
from pathlib import Path
from engine.model.home import Home
lock = Home(Path(sys.argv[1])).lock()
print("held", flush=True)
sys.stdin.read()
"""


class TestLock:
    """One engine at a time."""

    def test_a_second_engine_is_refused_and_told_who_has_it(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        with subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with pytest.raises(Conflict, match=rf"process {other.pid}, since 20\d\d-"):
                home.lock()
            other.kill()
        with home.lock():
            holder = home.holder()
            assert holder is not None
            assert holder.pid == os.getpid()

    def test_two_locks_of_one_process_exclude_each_other(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        with home.lock(), pytest.raises(Conflict):
            home.lock()
        home.lock().close()

    def test_a_lock_that_is_given_back_names_nobody(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        assert home.holder() is None
        lock = home.lock()
        lock.close()
        lock.close()
        assert home.holder() is None
        assert home.lock_file.exists()

    def test_a_started_process_does_not_keep_the_lock(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        lock = home.lock()
        with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, close_fds=False):
            lock.close()
            home.lock().close()

    def test_a_lock_that_cannot_be_opened_is_told_in_words(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.lock_file.mkdir()
        with pytest.raises(Unavailable, match="cannot be opened"):
            home.lock()


class TestSocket:
    """Where the engine is spoken to."""

    def test_it_lies_in_the_home(self) -> None:
        home = Home(Path("/srv/anteroom"))
        assert home.socket == Path("/srv/anteroom/engine.sock")

    def test_it_is_claimed_in_the_home_and_an_old_address_goes(self) -> None:
        with short_folder() as root:
            home = Home(root)
            home.address_file.write_text("/run/elsewhere/engine.sock\n")
            assert home.claim_socket({}) == home.socket == root / "engine.sock"
            assert not home.address_file.exists()

    def test_a_long_path_moves_it_to_the_runtime_folder_and_says_so(self, tmp_path: Path) -> None:
        home = Home(tmp_path / ("x" * LONGEST_SOCKET))
        home.root.mkdir()
        with short_folder() as runtime:
            claimed = home.claim_socket({"XDG_RUNTIME_DIR": str(runtime)})
            assert claimed.parent.parent == runtime
            assert home.socket == claimed
            assert mode(claimed.parent) == 0o711
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(claimed))
            assert home.claim_socket({"XDG_RUNTIME_DIR": str(runtime)}) == claimed

    def test_two_long_homes_have_two_sockets(self, tmp_path: Path) -> None:
        with short_folder() as runtime:
            claimed = set()
            for name in ("x" * LONGEST_SOCKET, "y" * LONGEST_SOCKET):
                home = Home(tmp_path / name)
                home.root.mkdir()
                claimed.add(home.claim_socket({"XDG_RUNTIME_DIR": str(runtime)}))
            assert len(claimed) == 2

    def test_a_folder_that_others_may_write_is_not_trusted(self, tmp_path: Path) -> None:
        home = Home(tmp_path / ("x" * LONGEST_SOCKET))
        home.root.mkdir()
        with short_folder() as runtime:
            claimed = home.claim_socket({"XDG_RUNTIME_DIR": str(runtime)})
            claimed.parent.chmod(0o777)
            with pytest.raises(Unavailable, match="somebody else"):
                home.claim_socket({"XDG_RUNTIME_DIR": str(runtime)})

    def test_without_an_address_the_place_in_the_home_is_tried(self, tmp_path: Path) -> None:
        home = Home(tmp_path / ("x" * LONGEST_SOCKET))
        assert home.socket == home.root / "engine.sock"
