# SPDX-License-Identifier: Apache-2.0
"""What identifies a patient stands nowhere but where it belongs, at any stage of a session's way:
every element that the standard's profile names bears a mark of its own, and all that the engine
writes and says is searched for all of them, with a script of the site, one of the project, both."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Set
from dataclasses import dataclass, field
from importlib.resources import files

import msgspec
import psycopg
import pytest
from pydicom.dataset import Dataset
from sqlalchemy import make_url

from engine.anonymize import shipped
from engine.anonymize.profile.table import rows
from engine.model.accounts import Place
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from tests.conftest import BACKENDS, Backend
from tests.line.looking import looked_at
from tests.line.planting import (
    ALPHABETS,
    BEHIND,
    NAME,
    NESTED,
    PRIVATE,
    SERIES_UID,
    SESSION,
    SOP_UID,
    STUDY_UID,
    SUBJECT,
    Marks,
    searched,
)
from tests.line.serving import Served, sessions, settled, until
from tests.line.test_site_script import encoded
from tests.line.wire import DEFLATED, EXPLICIT, MR_IMAGE, RawSender

ID, COMMENTS = "(0010,0020)", "(0010,4000)"
STUDY_DATE, STUDY, SERIES = "(0008,0020)", "(0008,1030)", "(0008,103E)"
LABELS = frozenset((SUBJECT, SESSION))
NOTHING: frozenset[str] = frozenset()
PERSONS = {row.tag for row in rows() if row.vr == "PN"}

PROFILE = files(shipped).joinpath("basic_profile.das").read_text("utf-8")
DECIDES = """version "6.7"
(0020,0013) = "13" ? (0010,0020) := substring["abc", 5, 9]
(0020,0013) = "14" ? reject[]
"""
SOME = f"""{DECIDES}removeAllPrivateTags
- */{NAME}
- {ID}
- {SERIES}
- {STUDY}
- {COMMENTS}
{SOP_UID} := hashUID[{SOP_UID}]
{STUDY_UID} := hashUID[{STUDY_UID}]
"""
PATIENT = "(0010,"
MASKED = {NAME, ID, COMMENTS, NESTED, *LABELS, *PERSONS}
"""What is masked of a session that nothing routed, beside the patient's group. Creators of private
blocks are not, and they bear the marks of their blocks here."""
TAKEN = {NAME, ID, SERIES, STUDY, COMMENTS, SOP_UID, STUDY_UID, PRIVATE, BEHIND, NESTED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scripts:
    """What is in force; the site's is to fail with image 13 and to reject image 14."""

    site: str = ""
    project: str = ""


SCRIPTS = {
    "site": Scripts(site=PROFILE.replace('version "6.7"\n', DECIDES, 1)),
    "project": Scripts(project=PROFILE),
    "both": Scripts(site=SOME, project=PROFILE),
}


@dataclass(kw_only=True)
class Search:
    """All that an engine has written and says, and what may stand where."""

    served: Served
    backend: Backend
    marks: Marks
    every: frozenset[str]
    stored: frozenset[str]
    """What the site script leaves: the objects in the prearchive say it."""
    triage: Set[str]
    """What the database of the prearchive may tell of sessions and held objects."""
    passes: int
    """Images that the site's script would have held or rejected, and that there is none for."""
    wrong: list[str] = field(default_factory=list)

    async def look(self, stage: str, engine: RemoteEngine | None = None) -> None:
        """Search everything."""
        for name, data in searched(self.served.home):
            self.judge(f"{stage}: {name}", data, self.allowed(name))
        if not self.backend.is_sqlite:
            self.judge(f"{stage}: archive", _dump(self.backend.archive_url), NOTHING)
            self.judge(f"{stage}: prearchive", _dump(self.backend.prearchive_url), self.triage)
        if engine is not None:
            told = {
                "sessions": self.triage,
                "held object": {SOP_UID},
                "transfers": self.stored & {SERIES},
            }
            async for name, answer in _answers(engine):
                allowed = told.get(name, NOTHING)
                self.judge(f"{stage}: {name}", msgspec.json.encode(answer), allowed)
        assert self.wrong == [], "\n".join(self.wrong)

    async def seen(self, stage: str, engine: RemoteEngine, nobodys: str = "") -> None:
        """Search what a person sees in the console, and of the session that nothing routed."""
        in_lists = self.stored & {STUDY_DATE}
        of_session = {tag for tag in self.stored - MASKED if not tag.startswith(PATIENT)}
        names = []
        async for name, text in looked_at(engine, nobodys):
            names.append(name)
            opened = name.startswith("session")
            may = of_session | {STUDY_UID, SOP_UID} if opened else in_lists
            self.judge(f"{stage}: on the screen: {name}", text.encode(), may)
        assert ("session, tab 0" in names) is bool(nobodys)
        assert ("filed, tab 0" in names) is not bool(nobodys)
        assert self.wrong == [], "\n".join(self.wrong)

    def allowed(self, name: str) -> Set[str]:
        """Tell which marks may stand in a file. In the archive, in logs, in what the process says
        and in the settings there may be none."""
        top, _, rest = name.partition("/")
        folder = rest.partition("/")[0]
        if top != "prearchive":
            return NOTHING
        if folder.startswith("prearchive.db"):
            return self.triage
        if folder in (".staging", ".originals", ".reviews"):
            return self.every
        if folder == ".journals":
            return {SOP_UID} | self.stored & {STUDY_UID, SERIES_UID}
        if folder == ".trash":
            return self.stored | LABELS | {STUDY_UID, SOP_UID}
        return self.stored | LABELS

    def judge(self, where: str, data: bytes, allowed: Set[str] = NOTHING) -> None:
        """Keep what is found in bytes and may not be there."""
        found = self.marks.found(data) - allowed
        if found:
            self.wrong.append(f"{where}: {len(found)} marks, {', '.join(sorted(found)[:9])}")


async def _answers(engine: RemoteEngine) -> AsyncIterator[tuple[str, object]]:
    """Yield what the engine tells those who watch, and those who manage it."""
    yield "sessions", await sessions(engine)
    yield "transfers", await engine.live.transfers()
    yield "ledger", await engine.live.ledger()
    held = await engine.live.held()
    yield "held", held
    for one in held:
        yield "held object", await engine.held.show(one.id)
    yield "jobs", await engine.jobs.list()
    yield "audit", (await engine.audit.list(limit=1000)).rows
    yield "status", await engine.system.status()
    yield "checks", await engine.system.checks()
    yield "filed", await engine.archive.list()
    epoch = (await engine.events.after("", 0)).epoch
    yield "events", await engine.events.after(epoch, 0)


def _dump(url: str) -> bytes:
    """Return all rows of a PostgreSQL database as text."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    rows: list[str] = []
    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(f"SELECT t::text FROM {table} AS t".encode()).fetchall()
            rows += [text for (text,) in found]
    return "\n".join(rows).encode()


def test_a_mark_is_found_however_it_is_written() -> None:
    marks = Marks()
    mark = marks.of(NAME).encode()
    hexadecimal = mark.hex().encode()
    written = [mark, mark.lower(), mark.decode().encode("utf-16"), hexadecimal, b"0" + hexadecimal]
    written += [base64.b64encode(b"x" * before + mark + b"yy") for before in range(3)]
    for data in written:
        assert marks.found(b"more " + data + b" more") == {NAME}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.txt", mark)
    bound = io.BytesIO()
    with tarfile.open(fileobj=bound, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo(mark.decode()))
    for data in (gzip.compress(mark), packed.getvalue(), bound.getvalue()):
        assert marks.found(data) == {NAME} == marks.found(b"a/path\n" + data)
    for name in ALPHABETS:
        for data in (name.encode(), name.encode("utf-16"), json.dumps(name).encode()):
            assert marks.found(b"more " + data + b" more") == {NAME}
    for data in (b"19010105", b"1901-01-05", b"on 19010105101010"):
        assert marks.found(data) == {marks.tags[3]}


@pytest.mark.parametrize(
    ("mode", "backend"),
    [("site", "sqlite"), ("project", "sqlite"), ("both", BACKENDS[-1])],
    indirect=["backend"],
)
async def test_what_identifies_stands_only_where_it_belongs(
    serve: Callable[..., Served], mode: str, backend: Backend
) -> None:
    scripts, marks = SCRIPTS[mode], Marks()
    every = frozenset(marks.tags)
    stored = {"site": NOTHING, "project": every, "both": every - TAKEN - LABELS}[mode]
    served = serve(None if backend.is_sqlite else backend, build_after=0.3)
    search = Search(
        served=served,
        backend=backend,
        marks=marks,
        every=every,
        stored=stored,
        passes=0 if scripts.site else 2,
        triage={STUDY_UID, SOP_UID, *LABELS} | stored & {STUDY_DATE, SERIES, SERIES_UID},
    )
    temporary = served.home / "temporary"
    temporary.mkdir()
    await served.start(environ={"TMPDIR": str(temporary)})
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        for scope, text in (("site", scripts.site), ("project:P", scripts.project)):
            if text:
                await engine.scripts.set(scope, text)
                await engine.scripts.enable(scope)
        await _received(search, engine)
        await _decided(search, engine)
        await _filed(search, engine)
    assert await served.stop() == 0
    await search.look("stopped")
    await served.start(environ={"TMPDIR": str(temporary)})
    async with served.asked() as engine:
        for one in await engine.live.held():
            (dropped,) = await engine.held.drop((one.id,))
            assert dropped.done
        await search.look("started again", engine)
    assert await served.stop() == 0
    # Of what has gone nothing is left, not even between the rows.
    search.triage = NOTHING
    await search.look("at the end")


async def _received(search: Search, engine: RemoteEngine) -> None:
    """Two sessions with a project, one without, and everything that can happen to an object."""
    marks, port = search.marks, search.served.port
    first, again, deflated = (assigned(marks.image(number), "S1") for number in (1, 2, 3))
    lost, others = (assigned(marks.image(number), "S3", study=3) for number in (4, 9))
    others.PatientBirthDate = "19550505"
    nobodys = of_study(marks.image(5), study=2)
    nobodys.PatientName, nobodys.PatientID = marks.of(SUBJECT), marks.of(SESSION)
    failing, rejected = (assigned(marks.image(number), "S1") for number in (13, 14))
    async with RawSender.associated(port, classes=(MR_IMAGE,)) as sender:
        for image in (first, again, first, lost, others, nobodys, failing, rejected):
            assert await _store(sender, image, encoded(image)) == 0
        cut_off = encoded(marks.image(6))[:9_000]
        assert await _store(sender, marks.image(6), cut_off) == 0
        assert await _store(sender, marks.image(8), encoded(marks.image(7))) == 0xA900
        await _settled(search, engine, objects=5, held=True)
        await search.look("open", engine)
    async with RawSender.connected(port) as sender:
        # It breaks off in the midst of an object, with what it has sent already on disk.
        await sender.associate((MR_IMAGE,), EXPLICIT, called="ANTEROOM")
        await sender.command(MR_IMAGE, str(first.SOPInstanceUID), 1)
        await sender.fragment(1, 0, encoded(first)[:40_000])
    async with RawSender.associated(port, classes=(MR_IMAGE,), syntax=DEFLATED) as sender:
        packed = zlib.compressobj(wbits=-15)
        data = packed.compress(encoded(deflated)) + packed.flush()
        assert await _store(sender, deflated, data) == 0
    await _settled(search, engine, objects=6, held=True)
    await until(engine, lambda: _counted(engine, Place.FAILED))
    await search.look("received", engine)
    (unassigned,) = [row.id for row in await sessions(engine) if row.project is None]
    await search.seen("received", engine, unassigned)


async def _decided(search: Search, engine: RemoteEngine) -> None:
    """One is relabelled, one deleted, one moved and refused by the archive under the label that the
    patient's ID has given; held ones are tried again."""
    rows = {row.subject: row for row in await sessions(engine)}
    (mine, gone), (theirs,) = (rows["S1"], rows["S3"]), rows.keys() - {"S1", "S3"}
    nobodys = rows[theirs]
    assert (nobodys.project, nobodys.label) == (None, search.marks.of(SESSION))
    assert (gone.status is Status.CONFLICT) is bool(search.stored)
    for one in await engine.live.held():
        assert not (await engine.held.retry((one.id,)))[0].done
    assert (await engine.prearchive.relabel(mine.id, "S9_MR", "S9")).done
    assert (await engine.prearchive.delete((gone.id,)))[0].done
    assert (await engine.prearchive.move((nobodys.id,), "P"))[0].done
    await _settled(search, engine, objects=4)
    await search.look("relabelled, moved, deleted", engine)
    in_its_way = search.served.archive / "P" / "arc001" / nobodys.label / "note.txt"
    in_its_way.parent.mkdir(parents=True)
    in_its_way.write_text("somebody else's")
    assert (await engine.prearchive.archive((nobodys.id,)))[0].done

    async def refused() -> bool:
        return (await engine.prearchive.show(nobodys.id)).status is Status.CONFLICT

    await until(engine, refused)
    in_its_way.unlink()
    in_its_way.parent.rmdir()
    await search.look("refused by the archive", engine)
    assert (await engine.prearchive.relabel(nobodys.id, "S2_MR", "S2")).done
    await _settled(search, engine, objects=4)


async def _filed(search: Search, engine: RemoteEngine) -> None:
    """What is left goes to the archive."""
    for row in await sessions(engine):
        assert (await engine.prearchive.archive((row.id,)))[0].done

    async def filed() -> bool:
        return not await sessions(engine)

    await until(engine, filed)
    assert {card.label for card in (await engine.archive.list()).rows} == {"S9_MR", "S2_MR"}
    assert len(list(search.served.archive.rglob("*.dcm"))) == 4 + search.passes
    await search.look("filed", engine)
    await search.seen("filed", engine)


def of_study(image: Dataset, *, study: int) -> Dataset:
    """Let an image be of another study."""
    image.StudyInstanceUID = f"{image.StudyInstanceUID}.{study}"
    image.SOPInstanceUID = f"{image.SOPInstanceUID}.{study}"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image


def assigned(image: Dataset, subject: str, *, study: int = 1) -> Dataset:
    """Let an image say where it belongs, beside its mark."""
    said = f"Project:P Subject:{subject} Session:{subject}_MR"
    image.PatientComments = f"{said} {image.PatientComments}"
    return of_study(image, study=study)


async def _store(sender: RawSender, image: Dataset, data: bytes) -> int:
    said = await sender.store(data, sop_instance=str(image.SOPInstanceUID), sop_class=MR_IMAGE)
    return said.status


async def _settled(
    search: Search, engine: RemoteEngine, *, objects: int, held: bool = False
) -> None:
    """Wait until all is built, and what cannot be let through is held."""
    await settled(engine, objects=objects + search.passes)
    if held:
        await until(engine, lambda: _counted(engine, Place.HELD, 1 if search.passes else 2))


async def _counted(engine: RemoteEngine, place: Place, count: int = 1) -> bool:
    return (await engine.system.status()).accounts.at(place) == count
