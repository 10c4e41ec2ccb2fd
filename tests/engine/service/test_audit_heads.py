# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.archive.audit import heads
from engine.archive.audit.key import AuditKey
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain, record
from engine.archive.tables import AuditCheckpointRow, AuditRow
from engine.database.connection import Database
from engine.model.audit import read_heads
from engine.model.health import Finding
from engine.model.settings import AuditSettings
from engine.service import audit_heads
from engine.service.audit_heads import HeadExport
from engine.service.event_buffer import EventBuffer

KEY = AuditKey(b"k" * 32)


class _Site:
    """A trail and what brings its head elsewhere, due at every look."""

    def __init__(self, archive: Database, **settings: Any) -> None:
        self.archive = archive
        self.trail = AuditChain(archive, KEY, Path(settings.get("head_file") or "/dev/null"))
        values: dict[str, Any] = {"head_file": "", "head_every": 0.0}
        given = AuditSettings(**values | settings)
        self.export = HeadExport(archive, self.trail, given, EventBuffer())

    async def happens(self, object: str) -> None:
        async with self.archive.write() as session:
            record(session, "ada", "Modified project", object)
        await Relay(self.archive).drain()

    async def work(self) -> None:
        await self.export.work()
        await Relay(self.archive).drain()

    async def sent(self) -> list[Any]:
        async with self.archive.read() as session:
            query = select(AuditRow.detail).where(AuditRow.action == audit_heads.EVENT)
            return list(await session.scalars(query.order_by(AuditRow.number)))


@pytest.fixture
def local() -> Iterator[tuple[Path, socket.socket]]:
    """A syslog socket of this machine, with a short path."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
    ):
        log.settimeout(20)
        yield Path(folder) / "log", log


async def test_the_head_is_added_to_a_file_when_there_is_news(
    archive: Database, tmp_path: Path
) -> None:
    file = tmp_path / "heads"
    site = _Site(archive, head_file=str(file))
    await site.work()
    assert heads.read(file) == ()
    await site.happens("P1")
    await site.work()
    assert [one.number for one in heads.read(file)] == [1]
    # Its own event is no news.
    await site.work()
    await site.work()
    assert [one.number for one in heads.read(file)] == [1]
    assert await site.sent() == ['{"number":1,"to":["file"]}']
    await site.happens("P2")
    # Another engine goes on where this one was.
    again = _Site(archive, head_file=str(file))
    await again.work()
    assert [one.number for one in heads.read(file)] == [1, 3]
    assert all(KEY.signed(one) for one in heads.read(file))
    assert (await site.export.check()).found == "file has #1"


async def test_the_head_waits_for_its_time(archive: Database, tmp_path: Path) -> None:
    site = _Site(archive, head_file=str(tmp_path / "heads"), head_every=3600.0)
    await site.happens("P1")
    await site.work()
    assert heads.read(tmp_path / "heads") == ()
    assert site.export.sees("mark") != "mark"
    assert (await site.export.check()).finding is Finding.GOOD


async def test_the_head_goes_to_a_command_and_to_syslog(
    archive: Database, tmp_path: Path, local: tuple[Path, socket.socket]
) -> None:
    path, log = local
    log.bind(str(path))
    noted = tmp_path / "noted by the command"
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    site = _Site(
        archive,
        head_command=f'{sys.executable} -c "{program}" "{noted}"',
        head_syslog=f"unix://{path}",
    )
    await site.happens("P1")
    await site.work()
    (by_command,) = read_heads(noted.read_text())
    (by_syslog,) = read_heads(log.recv(4096).decode())
    assert by_command == by_syslog
    assert (by_command.number, KEY.signed(by_command)) == (1, True)
    assert await site.sent() == ['{"number":1,"to":["syslog","command"]}']
    report = await site.trail.verify(heads=[by_command])
    assert report.ok


async def test_what_fails_is_told_and_tried_again(archive: Database, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    site = _Site(
        archive,
        head_file=str(folder / "heads"),
        head_command=f"{sys.executable} -c 'raise SystemExit(3)'",
        head_every=3600.0,
    )
    await site.happens("P1")
    outlets = await site.export._begun()
    for one in outlets:
        one.at -= 3600.0
    await site.work()
    check = await site.export.check()
    assert check.finding is Finding.LOOK
    assert "file: No such file or directory" in check.found
    assert "command: the command ended with 3" in check.found
    assert await site.sent() == []
    folder.mkdir()
    await site.work()
    assert [one.number for one in heads.read(folder / "heads")] == [1]
    assert "file" not in (await site.export.check()).found


async def test_a_broken_chain_is_not_vouched_for(archive: Database, tmp_path: Path) -> None:
    file = tmp_path / "heads"
    site = _Site(archive, head_file=str(file))
    await site.happens("P1")
    await site.work()
    await site.happens("P2")
    head = KEY.sign(2, "0" * 64, heads.read(file)[0].at)
    heads.add(file, head)
    await site.happens("P3")
    await site.work()
    assert [one.number for one in heads.read(file)] == [1, 2]
    assert site.trail.known is not None and not site.trail.known.ok


async def test_many_links_get_a_checkpoint(
    archive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_heads, "LINKS", 2)
    site = _Site(archive)
    for number in range(3):
        await site.happens(f"P{number}")
        await site.work()
    async with archive.read() as session:
        assert list(await session.scalars(select(AuditCheckpointRow.number))) == [2]
    assert (await site.export.check()).finding is Finding.LOOK
