# SPDX-License-Identifier: Apache-2.0
"""Bad input: whatever comes, the sender gets a clear answer, the admin finds a trace, nothing that
was answered with success is lost, nothing leaves the store, and the next good object is stored."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.model.accounts import Place
from engine.model.states import Status
from engine.routing.router import DEFAULT_SESSION
from tests.conftest import SECTIONS, Backend
from tests.line.bad_objects import (
    Bad,
    good,
    held,
    implicit_pixels,
    refused,
    stored,
    uid,
)
from tests.line.real_sessions import files_of
from tests.line.serving import Served, settled, until
from tests.line.wire import (
    CT_IMAGE,
    PATIENCE,
    Aborted,
    RawSender,
    Rejected,
    Said,
    dataset_of,
    meta_of,
)

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


@pytest.fixture
def strict(database_url: Callable[..., str]) -> Backend:
    """PostgreSQL, which takes neither NUL nor a value that is too long for its column."""
    archive, prearchive = (database_url("postgresql", section) for section in SECTIONS)
    return Backend(name="postgresql", archive_url=archive, prearchive_url=prearchive)


@pytest.fixture
async def served(serve: Callable[..., Served], strict: Backend) -> Served:
    """An engine that builds soon after the last object."""
    served = serve(strict, build_after=0.3)
    await served.start()
    return served


class Goods:
    """Good objects that are sent after each bad one, in a session of their own."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._numbers = count(5000)
        self.sent: dict[str, bytes] = {}

    async def another(self) -> None:
        """Send one and prove that it is taken."""
        instance = uid(next(self._numbers))
        data = good(instance, study=b"1.2.826.0.1.1 ", patient=b"GOODS ")
        said = await store(self._served, Bad(name="good", data=data, sop=instance), "GOOD")
        assert said == Said(status=0, comment="")
        self.sent[instance] = data


async def store(served: Served, bad: Bad, calling: str) -> Said:
    """Send one object in an association of its own."""
    # The class that the context names may be another than the one that the command says.
    async with RawSender.associated(served.port, calling=calling) as sender:
        return await sender.store(bad.data, sop_instance=bad.sop, sop_class=bad.sop_class)


def kept(served: Served) -> Counter[bytes]:
    """Return the data sets of all objects in the prearchive's sessions."""
    return Counter(dataset_of(path) for path in stored_files(served))


def listing(folder: Path) -> list[Path]:
    """Return what is directly in a folder."""
    return sorted(folder.iterdir())


def stored_files(served: Served) -> list[Path]:
    """Return the files of all sessions."""
    return [path for path in served.prearchive.rglob("*.dcm") if "SCANS" in path.parts]


async def test_what_cannot_be_ours_is_refused_and_stands_in_the_ledger(served: Served) -> None:
    goods = Goods(served)
    cases = refused()
    for number, (bad, status, _) in enumerate(cases):
        said = await store(served, bad, f"BAD{number}")
        assert said.status == status, (bad.name, said)
        assert said.comment, bad.name
        await goods.another()
    async with served.asked() as engine:
        await settled(engine, objects=len(goods.sent))

        async def told() -> bool:
            return len(await engine.live.ledger(limit=1000)) >= len(cases)

        await until(engine, told)
        lines = {line.calling: line for line in await engine.live.ledger(limit=1000)}
        for number, (bad, _, words) in enumerate(cases):
            line = lines[f"BAD{number}"]
            assert (line.outcome, line.count) == ("refused", 1), bad.name
            assert words in line.reason, (bad.name, line.reason)
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.REFUSED) == len(cases)
        assert accounts.received == accounts.at(Place.WAITING) == len(goods.sent)
    assert kept(served) == Counter(goods.sent.values())
    assert not list((served.prearchive / ".staging").rglob("*.dcm"))


async def test_what_cannot_be_read_is_held_for_a_person(served: Served) -> None:
    goods = Goods(served)
    cases = held()
    for number, bad in enumerate(cases):
        said = await store(served, bad, f"BAD{number}")
        assert said.status == 0, (bad.name, said)
        await goods.another()
    async with served.asked() as engine:
        await settled(engine, objects=len(goods.sent))

        async def told() -> bool:
            return len(await engine.live.held()) >= len(cases)

        await until(engine, told)
        listed = await engine.live.held()
        reasons = Counter(each.reason for each in listed)
        assert reasons["sequences are nested too deeply"] == 2
        assert reasons["the data set ends within an element"] == len(cases) - 2
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.HELD) == len(cases)
        assert accounts.received == len(cases) + len(goods.sent)
    staged = {each.id: served.prearchive / ".staging" / "held" / each.id for each in listed}
    assert Counter(dataset_of(path) for path in staged.values()) == Counter(
        bad.data for bad in cases
    )
    assert kept(served) == Counter(goods.sent.values())


async def test_odd_and_hostile_objects_are_stored_as_they_came_and_inside(
    served: Served, tmp_path: Path
) -> None:
    goods = Goods(served)
    before = listing(tmp_path.parent)
    cases = stored()
    async with served.asked() as engine:
        await engine.projects.add("ODD")
        await engine.projects.set("ODD", {"prearchive_code": "0"})
        await engine.rules.set("site", "project", "(0008,0016):(.*):1 t:.+ r:ODD")
    for number, bad in enumerate(cases):
        said = await store(served, bad, f"BAD{number}")
        assert said == Said(status=0, comment=""), (bad.name, said)
        await goods.another()
    every = len(cases) + len(goods.sent)
    async with served.asked() as engine:
        rows = await settled(engine, objects=every)
        accounts = (await engine.system.status()).accounts
        assert accounts.received == accounts.at(Place.WAITING) == every
        assert not await engine.live.held()
        # In one study two patients share a label, and those who have none share the default.
        mixed = sorted(row.label for row in rows if row.status is Status.CONFLICT)
        assert mixed == ["a_b", DEFAULT_SESSION]
        ready = [row for row in rows if row.status is Status.READY]
        assert len(ready) == len(rows) - len(mixed), [row.reason for row in rows]
        assert {row.project for row in rows} == {"ODD"}
        expected = Counter([*goods.sent.values(), *(bad.data for bad in cases)])
        assert kept(served) == expected
        nothing_strange_below(served.prearchive)

        # What a person archives is filed, or stays with a reason.
        outcomes = await engine.prearchive.archive(tuple(row.id for row in ready))
        assert all(outcome.done for outcome in outcomes)
        rows = await settled(engine, objects=0)
        assert {row.status for row in rows} <= {Status.CONFLICT, Status.ERROR}
        assert all(row.reason and "unexpected" not in row.reason for row in rows), rows
        accounts = (await engine.system.status()).accounts
        filed = await engine.archive.list(limit=1000)
        assert accounts.received == every
        assert accounts.at(Place.ARCHIVED) == sum(row.files for row in filed.rows)
        assert accounts.at(Place.WAITING) == sum(row.objects for row in rows)
        for row in filed.rows:
            ElementTree.fromstring(await engine.archive.document(row.accession))
    archived = Counter(dataset_of(path) for path in served.archive.rglob("*.dcm"))
    assert archived + kept(served) == expected
    nothing_strange_below(served.archive)
    assert listing(tmp_path.parent) == before
    assert listing(tmp_path) == [served.home]


def nothing_strange_below(store: Path) -> None:
    """Prove that names in a store are plain, that nothing points out of it, that XML is XML."""
    for path in files_of(store):
        assert not path.is_symlink()
        inside = path.relative_to(store).parts
        assert all(PLAIN.fullmatch(part) for part in inside), inside
        if path.suffix == ".xml":
            ElementTree.parse(path)


async def test_what_no_build_can_place_is_held_and_the_others_of_its_session_go_on(
    served: Served,
) -> None:
    whole = Bad(name="whole", data=good(uid(1), study=b"1.2.7 "), sop=uid(1))
    odd = [
        Bad(name="no series", data=good(uid(2), study=b"1.2.7 ", series=None), sop=uid(2)),
        Bad(name="blank series", data=good(uid(3), study=b"1.2.7 ", series=b""), sop=uid(3)),
        Bad(name="implicit pixels", data=implicit_pixels(uid(4), study=b"1.2.7 "), sop=uid(4)),
    ]
    for each in (whole, *odd):
        assert await store(served, each, "NOSERIES") == Said(status=0, comment="")
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=1)
        assert row.status is Status.READY
        reasons = Counter(each.reason for each in await engine.live.held())
        assert reasons == {
            "Series Instance UID is missing": 2,
            "Implicit VR where Explicit VR was said": 1,
        }
        accounts = (await engine.system.status()).accounts
        assert (accounts.received, accounts.at(Place.HELD)) == (4, 3)
    assert kept(served) == Counter((whole.data,))
    await Goods(served).another()


async def test_two_objects_of_one_uid_are_both_kept_and_a_repeat_is_counted(
    served: Served,
) -> None:
    one = Bad(name="first", data=good(uid(1), study=b"1.2.9 "), sop=uid(1))
    other = Bad(name="other", data=good(uid(1), study=b"1.2.9 ", name=b"Someone^Else"), sop=uid(1))
    elsewhere = Bad(
        name="other series",
        data=good(uid(1), study=b"1.2.9 ", number=b"2 ", series=b"1.2.9.2 "),
        sop=uid(1),
    )
    for each in (one, one, other, other, elsewhere, one):
        assert await store(served, each, "TWICE") == Said(status=0, comment="")
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=3)
        assert row.status is Status.CONFLICT
        assert "3 different objects have one SOP Instance UID" in row.reason
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.WAITING) == 3
        assert accounts.at(Place.DUPLICATE) == 3
        assert accounts.received == 6
        lines = [line for line in await engine.live.ledger() if line.outcome == "duplicate"]
        assert sum(line.count for line in lines) == 3
    assert kept(served) == Counter((one.data, other.data, elsewhere.data))
    assert {meta_of(path)[3] for path in stored_files(served)} == {uid(1)}
    await Goods(served).another()


async def test_titles_that_no_database_takes_stop_nothing(served: Served) -> None:
    goods = Goods(served)
    titles = ["NUL\0MORE", "\x1b[2JESC", "\\back", "[red]", "\u0007", "  "]
    for number, title in enumerate(titles):
        instance = uid(number)
        bad = Bad(name=title, data=good(instance, study=b"1.2.8 "), sop=instance)
        assert await store(served, bad, title) == Said(status=0, comment="")
        assert (await store(served, bad, title)).status == 0
        with pytest.raises(Rejected):
            async with RawSender.associated(served.port, called=title, calling=title):
                pass
        await goods.another()
    async with served.asked() as engine:
        await settled(engine, objects=len(titles) + len(goods.sent))

        async def told() -> bool:
            lines = await engine.live.ledger(limit=1000)
            return sum(line.count for line in lines) >= 2 * len(titles)

        await until(engine, told)
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.DUPLICATE) == len(titles)
        ended = [each for each in await engine.live.transfers(limit=1000) if each.closed]
        assert len(ended) == 2 * len(titles) + len(goods.sent)


async def test_senders_that_are_no_dicom_senders_are_told_and_noted(served: Served) -> None:
    goods = Goods(served)

    async with RawSender.connected(served.port) as web:
        web.writer.write(b"GET /index.html HTTP/1.1\r\nHost: scanner\r\n\r\n")
        with pytest.raises(Aborted):
            await web.receive()
        assert await asyncio.wait_for(web.reader.read(), PATIENCE) == b""
    await goods.another()

    async with RawSender.connected(served.port) as early:
        with pytest.raises(Aborted):
            await early.store(good(uid(1)), sop_instance=uid(1))
    await goods.another()

    async with RawSender.connected(served.port) as stranger:
        with pytest.raises(Rejected) as rejected:
            await stranger.associate([CT_IMAGE], "1.2.840.10008.1.2", called="ORTHANC")
        # Permanent, by the service user, called AE title not recognized (PS3.8 9.3.4).
        assert rejected.value.args == (1, 1, 7)
    await goods.another()

    async with RawSender.associated(
        served.port, classes=["1.2.3.4.5", "1.2.840.10008.5.1.4.1.2.2.1"], calling="UNKNOWN"
    ) as useless:
        assert useless.accepted == {}
    await goods.another()

    async with RawSender.associated(
        served.port, syntax="1.2.3.4.5.6", calling="NOSYNTAX"
    ) as useless:
        assert useless.accepted == {}
    await goods.another()

    sender = await asyncio.create_subprocess_exec(
        *("/usr/bin/storescu", "-aec", "NOBODY", "127.0.0.1", str(served.port)),
        str(stored_files(served)[0]),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(sender.communicate(), PATIENCE)
    assert sender.returncode == 1
    assert b"Called AE Title Not Recognized" in said
    await goods.another()

    async with served.asked() as engine:
        await settled(engine, objects=len(goods.sent))

        async def told() -> bool:
            return sum(line.count for line in await engine.live.ledger(limit=1000)) >= 6

        await until(engine, told)
        lines = await engine.live.ledger(limit=1000)
        assert {(line.calling, line.receiver) for line in lines} == {
            ("", ""),
            ("RAW", "ORTHANC"),
            ("STORESCU", "NOBODY"),
            ("UNKNOWN", "ANTEROOM"),
            ("NOSYNTAX", "ANTEROOM"),
        }
        assert all(line.outcome == "refused" and line.reason for line in lines)
    assert kept(served) == Counter(goods.sent.values())


async def test_objects_cut_short_leave_nothing_but_a_line(served: Served) -> None:
    data = good(uid(1), pixels=bytes(400_000))
    goods = Goods(served)
    for part in (100, 300_000):
        async with RawSender.connected(served.port) as cut:
            await cut.associate([CT_IMAGE], "1.2.840.10008.1.2.1", called="ANTEROOM", calling="CUT")
            with pytest.raises(Aborted):
                await cut.store_part(data[:part], sop_instance=uid(1))
        await goods.another()
    async with served.asked() as engine:
        await settled(engine, objects=len(goods.sent))

        async def told() -> bool:
            failed = await engine.live.ledger(outcome="failed")
            return sum(line.count for line in failed) == 2

        await until(engine, told)
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.FAILED) == 2
        assert accounts.received == len(goods.sent)
        transfers = await engine.live.transfers(limit=100)
        cut_short = [each for each in transfers if each.calling == "CUT"]
        assert [(each.objects, each.closed is None) for each in cut_short] == [(0, False)] * 2
    assert kept(served) == Counter(goods.sent.values())
    assert not list((served.prearchive / ".staging").rglob("*.dcm"))
