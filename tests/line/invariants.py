# SPDX-License-Identifier: Apache-2.0
"""What must hold on the home of an engine that has stopped, whatever happened to it before: rows,
files and tallies agree, nothing is stuck, nothing lies where it should not. Reads only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text

from engine.archive.tables import ArchivedSessionRow, FilingRow, ScanRow
from engine.database.connection import Database
from engine.dicom.part10 import read_meta
from engine.model.accounts import BESIDE, Place
from engine.model.states import QUEUED, Status
from engine.prearchive import accounts
from engine.prearchive.balance import imbalances
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import (
    HeldRow,
    JournalRow,
    LedgerRow,
    ObjectRow,
    OutboxRow,
    SessionRow,
    TallyRow,
)
from engine.sessions.build.catalog import read_catalog
from engine.sessions.build.document import read_session


@dataclass(slots=True)
class Books:
    """What stands where, by SOP Instance UID, and what does not agree."""

    wrong: list[str] = field(default_factory=list)
    waiting: Counter[str] = field(default_factory=Counter)
    archived: Counter[str] = field(default_factory=Counter)
    trashed: Counter[str] = field(default_factory=Counter)
    held: int = 0
    staged: int = 0
    """Objects that wait for the helper."""
    dropped: int = 0
    """Held objects that a person has dropped: nothing of them is kept."""
    places: Counter[Place] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> Counter[str]:
        """How often each object exists, wherever that is."""
        return self.waiting + self.archived + self.trashed

    @property
    def received(self) -> int:
        """What the accounts say was answered with success."""
        return sum(count for place, count in self.places.items() if place not in BESIDE)

    def check(self, what: str, left: object, right: object) -> None:
        """Note two things that ought to be equal and are not."""
        if left != right:
            self.wrong.append(f"{what}: {left} != {right}")


async def audit(home: Path, prearchive_url: str = "", archive_url: str = "") -> Books:
    """Compare everything on a stopped home."""
    books = Books()
    prearchive, archive = home / "prearchive", home / "archive"
    of_prearchive = Database.open(prearchive_url or f"sqlite:///{prearchive / 'prearchive.db'}")
    of_archive = Database.open(archive_url or f"sqlite:///{home / 'archive.db'}")
    try:
        tallies = await _tallies(of_prearchive, books)
        await _waiting(of_prearchive, prearchive, tallies, books)
        await _archived(of_archive, archive, tallies, books)
        await _leftovers(of_prearchive, of_archive, home, books)
    finally:
        await of_prearchive.close()
        await of_archive.close()
    trash = list((prearchive / ".trash").glob("*/*/SCANS/*/*/*"))
    books.trashed.update(_uid(path) for path in _objects(trash))
    books.check("held tally", books.places[Place.HELD], books.held)
    books.check("deleted tally", books.places[Place.DELETED] - books.dropped, books.trashed.total())
    not_kept = (Place.DUPLICATE, Place.FILTERED, Place.REJECTED)
    counted_only = sum(books.places[place] for place in not_kept) + books.dropped
    books.check(
        "received, but for what is only counted",
        books.received - counted_only,
        books.kept.total() + books.held + books.staged,
    )
    books.wrong += [f"{uid} exists {many} times" for uid, many in books.kept.items() if many > 1]
    return books


async def _tallies(database: Database, books: Books) -> dict[tuple[str, Place], int]:
    query = select(TallyRow.session, TallyRow.place, func.sum(TallyRow.count)).group_by(
        TallyRow.session, TallyRow.place
    )
    async with database.read() as transaction:
        found = (await transaction.execute(query)).all()
        low = await transaction.scalar(select(func.min(TallyRow.count)))
        totals = await accounts.total(transaction)
        sums = await accounts.summed(transaction)
        wrong = await imbalances(transaction, since=datetime.now(UTC))
    books.check("what the engine itself sees", [one.said() for one in wrong], [])
    books.check("a tally below one", (low or 1) < 1, False)
    books.check("totals", totals, sums)
    for _, place, count in found:
        books.places[Place(place)] += count
    return {(session, Place(place)): count for session, place, count in found}


async def _waiting(
    database: Database, prearchive: Path, tallies: dict[tuple[str, Place], int], books: Books
) -> None:
    async with database.read() as transaction:
        rows = (await transaction.execute(select(SessionRow))).scalars().all()
        staged = select(func.count()).select_from(HeldRow).where(HeldRow.waits)
        books.staged = await transaction.scalar(staged) or 0
        entries = (await transaction.execute(select(ObjectRow))).scalars().all()
    by_session: dict[str, list[ObjectRow]] = {}
    for entry in entries:
        by_session.setdefault(entry.session, []).append(entry)
    folders = set()
    for row in rows:
        folder = folder_of(row, prearchive)
        folders.add(folder)
        mine = {entry.file: entry for entry in by_session.get(row.id, ())}
        files = {
            path.relative_to(folder).as_posix(): path
            for path in _objects(folder.glob("SCANS/*/*/*"))
        }
        books.statuses[row.status] += 1
        books.check(f"{row.id}: index and files", sorted(mine), sorted(files))
        books.check(f"{row.id}: objects and index", row.objects, len(mine))
        books.check(f"{row.id}: bytes", row.bytes, sum(entry.size for entry in mine.values()))
        books.check(
            f"{row.id}: waiting tally", tallies.get((row.id, Place.WAITING), 0), row.objects
        )
        books.check(f"{row.id}: locked", row.locked, False)
        books.check(f"{row.id}: queued", Status(row.status) in QUEUED, False)
        books.check(f"{row.id}: at work", row.working_folder, "")
        books.check(f"{row.id}: recovered and unclaimed uids", "" in mine, False)
        if row.status == Status.READY:
            books.check(f"{row.id}: built", row.built_objects, row.objects)
            books.check(f"{row.id}: catalogs", _catalogued(folder), len(files))
        books.waiting.update(_uid(path) for path in files.values())
    ids = {row.id for row in rows}
    for (session, place), count in tallies.items():
        if place is Place.WAITING and not session:
            books.check("tally of staged objects", count, books.staged)
        elif place is Place.WAITING and session not in ids:
            books.wrong.append(f"{count} objects wait in a session that is gone")
    for folder in _session_folders(prearchive) - folders:
        books.wrong.append(f"a folder that no row names: {folder.parent.name}")


async def _archived(
    database: Database, archive: Path, tallies: dict[tuple[str, Place], int], books: Books
) -> None:
    async with database.read() as transaction:
        rows = (await transaction.execute(select(ArchivedSessionRow))).scalars().all()
        sums = select(ScanRow.session, func.sum(ScanRow.files)).group_by(ScanRow.session)
        by_scan = {session: files for session, files in await transaction.execute(sums)}
    for row in rows:
        folder = archive / row.folder
        files = _objects(folder.glob("SCANS/*/*/*"))
        books.check(f"{row.id}: files", len(files), row.files)
        books.check(f"{row.id}: scans", by_scan.get(row.id, 0), row.files)
        books.check(f"{row.id}: catalogs", _catalogued(folder), row.files)
        document = read_session((folder / f"{row.label}.xml").read_bytes())
        books.check(f"{row.id}: document", document.id, row.id)
        books.check(
            f"{row.id}: archived tally", tallies.get((row.origin, Place.ARCHIVED), 0), row.files
        )
        books.archived.update(_uid(path) for path in files)
    for folder in _folders(archive) - {archive / row.folder for row in rows}:
        books.wrong.append(f"a folder of the archive that no row names: {folder.name[:7]}")
    books.check("archived tally", books.places[Place.ARCHIVED], books.archived.total())


async def _leftovers(
    of_prearchive: Database, of_archive: Database, home: Path, books: Books
) -> None:
    prearchive = home / "prearchive"
    async with of_prearchive.read() as transaction:
        held = set((await transaction.execute(select(HeldRow.id))).scalars())
        waits = set((await transaction.execute(select(HeldRow.id).where(HeldRow.waits))).scalars())
        dropped = select(func.sum(LedgerRow.count)).where(LedgerRow.outcome == Place.DELETED.value)
        books.dropped = await transaction.scalar(dropped) or 0
        outbox = await transaction.scalar(select(func.count()).select_from(OutboxRow))
        open_journals = await transaction.scalar(
            select(func.count()).where(JournalRow.finished.is_(False))
        )
        jobs = await transaction.scalar(text(_UNFINISHED))
    async with of_archive.read() as transaction:
        reserved = await transaction.scalar(select(func.count()).select_from(FilingRow))
    staging = prearchive / ".staging"
    books.held = len(held - waits)
    books.check("staged objects", len(waits), books.staged)
    books.check("held files", {path.name for path in (staging / "held").glob("*")}, held)
    books.check("staging", [path.name for path in staging.glob("*") if path.name != "held"], [])
    books.check("taken sessions", list((prearchive / ".working").glob("*")), [])
    books.check("journal files", list((prearchive / ".journals").glob("*")), [])
    books.check("journals in use", open_journals, 0)
    books.check("audit events under way", outbox, 0)
    books.check("reservations", reserved, 0)
    books.check("unfinished jobs", jobs, 0)
    stamps = [path.parent for path in _session_folders(prearchive)]
    empty = [
        path.name
        for path in prearchive.glob("*/*")
        if path.is_dir() and path.parent.name[0] not in ".0123456789" and path not in stamps
    ]
    books.check("empty folders of sessions that are gone", empty, [])


_UNFINISHED = """
    SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
"""


def _objects(paths: object) -> list[Path]:
    assert hasattr(paths, "__iter__")
    return sorted(path for path in paths if path.is_file() and path.suffix != ".xml")


def _folders(archive: Path) -> set[Path]:
    return {path for path in archive.glob("*/arc001/*") if path.is_dir()}


def _catalogued(folder: Path) -> int:
    return sum(
        len(read_catalog(path.read_bytes()).entries)
        for path in folder.glob("SCANS/*/*/scan_*_catalog.xml")
    )


def _uid(path: Path) -> str:
    with path.open("rb") as file:
        return read_meta(file.read(4096)).sop_instance


def _session_folders(prearchive: Path) -> set[Path]:
    """Folders that hold a `SCANS`, wherever they are but in what is hidden."""
    return {
        path.parent
        for pattern in ("*/*/SCANS", "*/*/*/SCANS")
        for path in prearchive.glob(pattern)
        if not path.relative_to(prearchive).parts[0].startswith(".")
    }
