# SPDX-License-Identifier: Apache-2.0
"""Senders of others: dcmtk, GDCM, Orthanc, pynetdicom. Whatever they send and however they end,
what is stored is what crossed the wire, the accounts add up, and no association is left. The table
of docs/interoperability.md is made of these tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.model.accounts import Place
from engine.service.remote import RemoteEngine
from tests.line import peers
from tests.line.peers import PROPOSALS, Orthanc, run, written
from tests.line.serving import Served, until
from tests.line.wire import EXPLICIT, MR_IMAGE, RawSender, Tap, dataset_of, meta_of


class Line:
    """An engine, and a tap in front of it through which programs send."""

    def __init__(self, served: Served, engine: RemoteEngine, tap: Tap) -> None:
        self.served = served
        self.engine = engine
        self.tap = tap
        self.port = tap.port

    async def sent(self, *call: str) -> None:
        """Run a program that must succeed."""
        ended = await run(*call)
        assert ended.code == 0, ended.said

    async def is_right(self, *, duplicates: int = 0, broken: bool = False) -> Counter[str]:
        """Wait until every association has ended, and compare what is stored and counted with what
        crossed the wire. Return how many objects there are of each transfer syntax.

        Of a `broken` connection, what crossed last may have come too late to be taken; what was
        answered is there."""
        await self.tap.quiet()
        files = "*/*/SCANS/*/DICOM/*.dcm"

        async def all_over() -> bool:
            transfers = await self.engine.live.transfers(limit=1000)
            accounts = (await self.engine.system.status()).accounts
            stored = len(list(self.served.prearchive.glob(files)))
            over = all(each.closed is not None for each in transfers)
            return over and accounts.received == stored + duplicates

        await until(self.engine, all_over)
        kept = Counter(
            (meta[0x0010], meta[0x0003], dataset_of(path))
            for path in self.served.prearchive.glob(files)
            for meta in (meta_of(path),)
        )
        assert max(kept.values()) == 1
        assert set(self.tap.answered) <= set(kept) <= set(self.tap.crossed)
        assert broken or len(self.tap.answered) == len(self.tap.crossed) == len(kept) + duplicates
        accounts = (await self.engine.system.status()).accounts
        assert accounts.at(Place.DUPLICATE) == duplicates
        assert accounts.at(Place.WAITING) == len(kept)
        staging = self.served.prearchive / ".staging"
        assert [path for path in staging.rglob("*") if path.is_file()] == []
        return Counter(syntax for syntax, _, _ in kept)


@pytest.fixture
async def line(serve: Callable[..., Served]) -> AsyncIterator[Line]:
    """An engine that never builds: names of files stay as they are."""
    async with line_of(serve(workers=2)) as made:
        yield made


@asynccontextmanager
async def line_of(served: Served) -> AsyncIterator[Line]:
    """Start an engine, and open a tap in front of it."""
    await served.start()
    async with Tap(served.port).open() as tap, served.asked() as engine:
        yield Line(served, engine, tap)


async def test_storescu_with_every_proposal(line: Line, tmp_path: Path) -> None:
    expected: Counter[str] = Counter()
    for number, (option, syntax) in enumerate(PROPOSALS.items()):
        # These two convert what is not compressed; all others send a file as it is.
        plain = option in ("-xi", "-xd")
        path = written(tmp_path, number, EXPLICIT if plain else syntax)
        await line.sent(*peers.storescu(line.port, [path], option))
        expected[syntax] += 1
    assert await line.is_right() == expected


async def test_storescu_with_combined_and_reduced_proposals(line: Line, tmp_path: Path) -> None:
    number = 0
    expected: Counter[str] = Counter()
    for option in ("-xs", "-xy", "-xv", "-xr"):
        # In one context with all that it proposes, the first is chosen; storescu cannot bring a
        # file that is not compressed into it.
        compressed, plain = (PROPOSALS[option],), (PROPOSALS[option], EXPLICIT)
        for more, syntaxes in ((("+C",), compressed), (("-R",), plain), (("+C", "-R"), compressed)):
            paths = []
            for syntax in syntaxes:
                number += 1
                paths.append(written(tmp_path, number, syntax))
            await line.sent(*peers.storescu(line.port, paths, option, *more))
            expected.update(syntaxes)
    assert await line.is_right() == expected


async def test_storescu_with_pdus_of_every_size(line: Line, tmp_path: Path) -> None:
    number = 0
    for ours in ("4096", "16384", "131072"):
        for theirs in ("4096", "16384", "131072"):
            paths = [written(tmp_path, number + each) for each in range(2)]
            sizes = ("-pdu", ours, "--max-send-pdu", theirs)
            await line.sent(*peers.storescu(line.port, paths, "-xe", *sizes))
            number += 2
    assert await line.is_right() == {EXPLICIT: 18}


async def test_storescu_repeats_and_ends_as_it_likes(line: Line, tmp_path: Path) -> None:
    paths = [written(tmp_path, number) for number in range(3)]
    await line.sent(*peers.storescu(line.port, paths, "-xe", "--repeat", "3"))
    await line.is_right(duplicates=6)
    more = [written(tmp_path, number) for number in range(10, 13)]
    await line.sent(*peers.storescu(line.port, more, "-xe", "--abort"))
    assert await line.is_right(duplicates=6) == {EXPLICIT: 6}
    await line.sent(*peers.storescu(line.port, more, "-xe", "-usr", "somebody", "-pwd", "secret"))
    assert await line.is_right(duplicates=9) == {EXPLICIT: 6}


@pytest.mark.parametrize(
    "options", [(), ("+ma",), ("-ma",), ("-dn",), ("-pdu", "4096"), ("--max-send-pdu", "131072")]
)
async def test_dcmsend(line: Line, tmp_path: Path, options: tuple[str, ...]) -> None:
    syntaxes = [EXPLICIT, PROPOSALS["-xi"], PROPOSALS["-xb"], PROPOSALS["-xy"], PROPOSALS["-xv"]]
    paths = [written(tmp_path, number, syntax) for number, syntax in enumerate(syntaxes)]
    # It cannot make a decompressed file of the frames that we have made up.
    await line.sent(*peers.dcmsend(line.port, paths, *(options or ("-dn",))))
    assert (await line.is_right()).total() == len(paths)


async def test_gdcmscu_which_never_says_goodbye(line: Line, tmp_path: Path) -> None:
    paths = [written(tmp_path, number) for number in range(50)]
    for at in range(0, len(paths), 5):
        await asyncio.gather(*(run(*peers.gdcmscu(line.port, path)) for path in paths[at : at + 5]))
    assert (await line.is_right()).total() == 50
    assert line.tap.connections == 50


async def test_orthanc(line: Line, tmp_path: Path) -> None:
    syntaxes = [EXPLICIT, PROPOSALS["-xi"], PROPOSALS["-xy"], PROPOSALS["-xv"], PROPOSALS["-xr"]]
    paths = [written(tmp_path, number, syntaxes[number % 5]) for number in range(20)]
    folder = tmp_path / "orthanc"
    folder.mkdir()
    async with Orthanc.started(folder, line.port, AllowTranscoding=False) as orthanc:
        objects = [await orthanc.take(path.read_bytes()) for path in paths]
        told = await orthanc.send(objects)
        assert (told["InstancesCount"], told["FailedInstancesCount"]) == (20, 0)
        found = await line.is_right()
        assert found.total() == 20
        assert set(found) == set(syntaxes)
        await orthanc.send(objects)
        await line.is_right(duplicates=20)


async def test_pynetdicom_storescu(line: Line, tmp_path: Path) -> None:
    paths = [
        *(written(tmp_path, 0), written(tmp_path, 1, PROPOSALS["-xi"])),
        *(written(tmp_path, 2, PROPOSALS["-xb"]), written(tmp_path, 3, PROPOSALS["-xd"])),
    ]
    for path, options in zip(paths, ((), ("-xi",), ("-xb",), ("-pdu", "0")), strict=True):
        await line.sent(*peers.pynetdicom(line.port, path, *options))
    assert (await line.is_right()).total() == 4


@pytest.mark.parametrize("program", ["storescu", "dcmsend", "pynetdicom"])
async def test_a_sender_that_is_killed(line: Line, tmp_path: Path, program: str) -> None:
    paths = [written(tmp_path, number, size=2000) for number in range(60)]
    calls = {
        "storescu": peers.storescu(line.port, [tmp_path], "-xe", "+sd"),
        "dcmsend": peers.dcmsend(line.port, [tmp_path], "+sd"),
        "pynetdicom": peers.pynetdicom(line.port, tmp_path, "-r"),
    }
    line.tap.pause_after = 60_000
    process = await peers.started(*calls[program])
    await asyncio.wait_for(line.tap.paused.wait(), peers.PATIENCE)
    process.kill()
    await process.communicate()
    line.tap.go_on()
    found = await line.is_right(broken=True)
    assert 0 < found.total() < len(paths)
    # What it had not sent comes with the next try.
    await line.sent(*peers.storescu(line.port, [tmp_path], "-xe", "+sd"))
    found_again = await line.is_right(duplicates=found.total(), broken=True)
    assert found_again.total() == len(paths)


async def test_a_sender_that_vanishes_is_given_up(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """No end of the connection ever comes, as when a cable is pulled: silence is all there is."""
    served = serve(workers=2, dicom={"idle_timeout": 1.0})
    async with line_of(served) as line, RawSender.connected(served.port) as gone:
        await gone.associate([MR_IMAGE], EXPLICIT, called="ANTEROOM")
        await gone.command(MR_IMAGE, "1.2.3", 1)
        await gone.fragment(1, 0, bytes(5000))
        others = [written(tmp_path, number) for number in range(3)]
        await line.sent(*peers.storescu(line.port, others, "-xe"))
        assert await line.is_right() == {EXPLICIT: 3}
        accounts = (await line.engine.system.status()).accounts
        assert accounts.at(Place.FAILED) == 1
        closed = await line.engine.live.transfers(limit=10)
        assert {each.ended for each in closed} == {"released", "timed out"}
