# SPDX-License-Identifier: Apache-2.0
"""Storage commitment as senders see it: whatever scripts and users do with objects, across kills of
the engine, for as many objects as there may be, and with a client of others."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.dicom.commitment import MOST_OBJECTS, report
from engine.model.archive import AuditQuery
from engine.model.commitments import CommitmentState
from engine.service.remote import RemoteEngine
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.test_commitment import action_rq, answer_report, read_report
from tests.line.committing import COMMITMENT, Inbox, Told, asking, listening, request
from tests.line.killing import arm, kill_at
from tests.line.peers import Orthanc, free_port
from tests.line.sending import MR, PATIENCE, make_study, send
from tests.line.serving import LONGEST_WAIT, Served, settled, until
from tests.line.tracing import worker_of

Serve = Callable[..., Served]

HASHES = """version "6.7"
(0020,000D) := hashUID[(0020,000D)]
(0020,000E) := hashUID[(0020,000E)]
(0008,0018) := hashUID[(0008,0018)]
"""


def named(study: int, project: str = "") -> list[tuple[str, str]]:
    """Name the objects of a study as they were sent."""
    objects = make_study(study, project=project)
    return [(str(each.SOPClassUID), str(each.SOPInstanceUID)) for each in objects]


def asked(port: int, objects: list[tuple[str, str]]) -> Told:
    """Ask, and wait for the report on the same association."""
    inbox = Inbox()
    with asking(port, inbox) as asker:
        assert asker.ask(request(objects)) == 0
        return inbox.next()


async def all_told(engine: RemoteEngine, requests: int) -> None:
    """Wait until so many requests have been reported."""

    async def told() -> bool:
        rows = await engine.commitments.list(state=CommitmentState.REPORTED)
        return len(rows) == requests

    await until(engine, told)


async def test_what_scripts_and_users_do_is_reported_by_the_uids_that_were_sent(
    serve: Serve,
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    filed, deleted, waiting = named(1, "P"), named(2, "P"), named(3, "P")
    everything = filed + deleted + waiting
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        await engine.scripts.set("site", HASHES)
        await engine.scripts.enable("site")
        await engine.scripts.set("project:P", HASHES)
        await engine.scripts.enable("project:P")
        for study in (1, 2, 3):
            await asyncio.to_thread(send, served.port, make_study(study, project="P"))
        # They are in the journals at most.
        told = await asyncio.to_thread(asked, served.port, everything)
        assert (told.event, told.failed) == (1, {})
        await settled(engine, objects=18)
        await engine.prearchive.archive((await engine.prearchive.find("E1"),))
        await engine.prearchive.delete((await engine.prearchive.find("E2"),))

        async def gone() -> bool:
            return (await engine.prearchive.list()).total == 1

        await until(engine, gone)
        stored = {path.name for path in served.archive.rglob("*.dcm") if path.is_file()}
        assert len(stored) == 6
        told = await asyncio.to_thread(asked, served.port, everything)
        assert told.event == 2
        assert told.committed == {uid for _, uid in filed + waiting}
        assert told.failed == dict.fromkeys([uid for _, uid in deleted], 0x0112)
        await all_told(engine, 2)

        async def audited() -> bool:
            events = (
                await engine.audit.list(AuditQuery(action="Reported storage commitment"))
            ).rows
            return [event.detail["failed"] for event in events] == [6, 0]

        await until(engine, audited)
    # What a sender named is in the private database only.
    log = (served.home / "logs" / "engine.log").read_text()
    assert not any(uid in log for _, uid in everything)
    assert list((served.prearchive / ".commitments").iterdir()) == []


async def test_a_request_that_was_answered_is_reported_whatever_is_killed(
    serve: Serve, tmp_path: Path
) -> None:
    served = serve()
    inbox = Inbox()
    objects = named(1)

    def ask() -> None:
        with asking(served.port, Inbox()) as asker:
            assert asker.ask(request(objects)) == 0
            asker.association.abort()

    with listening(inbox) as port:
        points = ("request taken", "reported")
        for number, point in enumerate(points):
            folder = tmp_path / f"kill {number}"
            await served.start(plan=kill_at(folder, point, 1))
            async with served.asked() as engine:
                if not number:
                    await asyncio.to_thread(send, served.port, make_study(1))
                    await engine.remotes.add("SCANNER", "SCANNER", "127.0.0.1", port)
                else:
                    await all_told(engine, number)
                arm(folder)
                await asyncio.to_thread(ask)
            assert served.process is not None
            await asyncio.wait_for(served.process.wait(), LONGEST_WAIT)
        await served.start()
        async with served.asked() as engine:
            await all_told(engine, len(points))
        # The last one was told twice: it was killed before it could say that it was told.
        reports = [inbox.next() for _ in range(len(points) + 1)]
        assert len({each.transaction for each in reports}) == len(points)
        assert all(each.committed == {uid for _, uid in objects} for each in reports)


def most_memory(process: int) -> int:
    """Return how much memory a process has ever had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = [each for each in lines if each.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


async def test_as_many_objects_as_there_may_be_are_answered_in_little_memory(
    serve: Serve,
) -> None:
    served = serve()
    await served.start()
    assert served.process is not None
    await asyncio.to_thread(send, served.port, make_study(1))
    worker = worker_of(served.process.pid)
    before = {process: most_memory(process) for process in (worker, served.ready["pid"])}

    def ask() -> tuple[int, int, int]:
        here = named(1)

        def objects() -> Iterator[tuple[str, str]]:
            yield from here
            for number in range(MOST_OBJECTS - len(here)):
                yield MR, f"1.2.826.0.1.3680043.10.1771.{number}"

        data = b"".join(report("1.2.3.4", objects(), (), explicit=False))
        with socket.create_connection(("127.0.0.1", served.port), PATIENCE) as sock:
            sock.sendall(wire.associate_rq(((3, COMMITMENT, (wire.IMPLICIT,)),), max_pdu=65536))
            assert wire.read_pdu(sock)[0] == 0x02
            sock.sendall(wire.p_data(wire.pdv(3, 3, action_rq())))
            sock.sendall(b"".join(wire.p_data(one) for one in wire.fragments(3, 0, data, 60_000)))
            assert wire.status(wire.read_response(sock)) == 0
            command, told = read_report(sock)
            answer_report(sock, command)
            sock.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(sock)[0] == 0x06
        reason = struct.pack("<HHIH", 0x0008, 0x1197, 2, 0x0112)
        item = struct.pack("<HH", 0xFFFE, 0xE000)
        return len(told), told.count(reason), told.count(item)

    size, failed, items = await asyncio.to_thread(ask)
    assert (failed, items) == (MOST_OBJECTS - 6, MOST_OBJECTS)
    assert size > 9_000_000
    async with served.asked() as engine:
        await all_told(engine, 1)
        (row,) = await engine.commitments.list()
        assert (row.objects, row.failed, row.attempts) == (MOST_OBJECTS, MOST_OBJECTS - 6, 1)
    grown = {process: most_memory(process) - had for process, had in before.items()}
    assert grown[worker] < 64 << 20
    assert grown[served.ready["pid"]] < 192 << 20


async def test_orthanc_asks_and_is_told(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    await served.start()
    await asyncio.to_thread(send, served.port, make_study(1))
    folder = tmp_path / "orthanc"
    folder.mkdir()
    port = free_port()
    missing = (MR, "1.2.826.0.1.3680043.10.1771.99")
    async with (
        Orthanc.started(folder, served.port, dicom=port) as orthanc,
        served.asked() as engine,
    ):
        await engine.remotes.add("ORTHANC", "ORTHANC", "127.0.0.1", port)
        for number, objects in enumerate((named(1), [*named(1), missing]), start=1):
            order = json.dumps({"DicomInstances": objects}).encode()
            made = await orthanc.post("/modalities/anteroom/storage-commitment", order)
            await all_told(engine, number)
            told = await orthanc.ask(f"/storage-commitment/{made['ID']}")
            assert {each["SOPInstanceUID"] for each in told["Success"]} == {
                uid for _, uid in named(1)
            }
            failures = [
                (each["SOPInstanceUID"], each["FailureReason"]) for each in told["Failures"]
            ]
            assert failures == ([(missing[1], 0x0112)] if missing in objects else [])
            assert told["Status"] == ("Failure" if failures else "Success")
