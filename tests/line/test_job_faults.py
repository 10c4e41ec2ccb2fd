"""Calls that fail once behind a build, an archiving or a deletion: the session ends in words, with
its folder back in the prearchive and nothing half in the archive, and what was asked for succeeds
when it is asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.model.accounts import Place
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from tests.line.serving import Served, sessions, settled, until
from tests.line.test_durability import REASONS, Image, image, send
from tests.line.tracing import traced

PROJECT = "NECK"
LABEL = "E{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Calls upon one path that fail; `path` may name the session's places."""

    calls: tuple[str, ...]
    path: str
    filed: bool = False
    """The job finds another way."""
    when: str = ""
    """strace counts the calls of each thread, also those upon other paths."""


ARCHIVING = (
    Fault(calls=("rename",), path="{home}", when=":when=1"),
    Fault(calls=("mkdir",), path="{hidden}"),
    Fault(calls=("mkdir",), path="{hidden}/SCANS/1"),
    Fault(calls=("link",), path="{hidden}/{file}", filed=True),
    Fault(calls=("link", "openat"), path="{hidden}/{file}"),
    Fault(calls=("link", "write"), path="{hidden}/{file}"),
    Fault(calls=("link", "fdatasync"), path="{hidden}/{file}"),
    Fault(calls=("openat",), path="{hidden}/{label}.xml"),
    Fault(calls=("write",), path="{hidden}/{label}.xml"),
    Fault(calls=("fsync",), path="{hidden}/{label}.xml"),
    Fault(calls=("fsync",), path="{hidden}/SCANS/1/DICOM"),
    Fault(calls=("fsync",), path="{hidden}"),
    Fault(calls=("fsync",), path="{arc}/.."),
    Fault(calls=("rename",), path="{hidden}"),
    Fault(calls=("fsync",), path="{arc}"),
)


def study_of(study: int) -> list[Image]:
    """Make a study of two series that goes to the project."""
    rest = f"Project:{PROJECT} Subject:S{study} Session:{LABEL.format(study)}"
    series = ((1, 1), (2, 1), (3, 1), (4, 2))
    return [image(study, number, series=of, rest=rest) for number, of in series]


async def test_a_call_that_fails_behind_archiving_leaves_the_session_whole_in_one_place(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    cases = [(fault, error) for error in REASONS for fault in ARCHIVING]
    async with served.asked() as engine:
        await engine.projects.add(PROJECT)
        await engine.projects.set(PROJECT, {"prearchive_code": "0"})
        for study in range(len(cases)):
            assert await send(served, study_of(study)) == [0] * 4
        rows = {row.label: row for row in await settled(engine, objects=4 * len(cases))}
        assert {row.status for row in rows.values()} == {Status.READY}

        filed = 0
        for study, (fault, error) in enumerate(cases):
            row = rows[LABEL.format(study)]
            names = places(served, row)
            path = Path(fault.path.format_map(names))
            async with traced(
                served.ready["pid"],
                calls=fault.calls,
                inject=[f"{call}:error={error}{fault.when}" for call in fault.calls],
                paths=[path],
                note=served.home / "calls.txt",
            ) as trace:
                (asked,) = await engine.prearchive.archive((row.id,))
                assert asked.done, asked.message
                await until(engine, partial(ended, engine, row.id))
            what = f"{error} at {fault.calls} upon {fault.path}"
            assert {call.name for call in trace.injected} == set(fault.calls), what
            if not fault.filed:
                now = await find(engine, row.id)
                assert now is not None, what
                assert now.status in (Status.ERROR, Status.CONFLICT), what
                assert REASONS[error] in now.reason, f"{what}: {now.reason}"
                check_that_it_is_back(served, names, row.id, what)
                (asked,) = await engine.prearchive.rebuild((row.id,))
                assert asked.done, asked.message
                await until(engine, partial(ended, engine, row.id))
                (asked,) = await engine.prearchive.archive((row.id,))
                assert asked.done, asked.message
                await until(engine, partial(ended, engine, row.id))
            filed += 4
            assert await find(engine, row.id) is None, what
            assert len(objects(names["final"])) == 4, what
            accounts = (await engine.system.status()).accounts
            assert accounts.at(Place.ARCHIVED) == filed, what
            assert accounts.received == 4 * len(cases)
        assert (await engine.audit.verify()).ok
    assert not list(served.archive.glob("*/*/.*"))
    assert not list(served.prearchive.glob(".working/*"))
    assert await served.stop() == 0


def places(served: Served, row: PrearchiveSession) -> dict[str, str]:
    """Name the places of a session that is to be archived."""
    home = served.prearchive / PROJECT / row.timestamp / row.folder
    arc = served.archive / PROJECT / "arc001"
    file = min(path.relative_to(home).as_posix() for path in home.glob("SCANS/1/DICOM/*.dcm"))
    return {
        "home": str(home),
        "arc": str(arc),
        "hidden": str(arc / f".filing-{row.id}"),
        "final": str(arc / row.label),
        "label": row.label,
        "file": file,
    }


async def find(engine: RemoteEngine, id: str) -> PrearchiveSession | None:
    """Give a prearchive session, if it still is one."""
    return next((row for row in await sessions(engine) if row.id == id), None)


async def ended(engine: RemoteEngine, id: str) -> bool:
    """Whether no job has anything more to do with a session."""
    row = await find(engine, id)
    return row is None or row.status in (Status.READY, Status.CONFLICT, Status.ERROR)


def objects(folder: str) -> list[Path]:
    """Give the objects in a session's folder."""
    return list(Path(folder).glob("SCANS/*/DICOM/*.dcm"))


def check_that_it_is_back(served: Served, names: dict[str, str], id: str, what: str) -> None:
    """Check that a session's folder is where it was, and has left nothing elsewhere."""
    assert len(objects(names["home"])) == 4, what
    assert not Path(names["hidden"]).exists(), what
    assert not Path(names["final"]).exists(), what
    assert not (served.prearchive / ".working" / id).exists(), what
