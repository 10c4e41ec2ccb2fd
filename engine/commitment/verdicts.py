# SPDX-License-Identifier: Apache-2.0
"""Decides for each object of a request whether it is committed: only where its file is there, in a
session that waits or in one that is filed. A row or a receipt alone promises nothing.

Objects are asked for by the UID that was sent. Sessions that wait have it in their index. Sessions
that have left have receipts: one leads by its key to the place of the file, as the archived session
keeps it in `.received`, whatever scripts have made of UIDs and names.

The index of waiting sessions is ordered by session: another order would cost each object something
when it is received. So the sessions that the sender has fed last are looked into first, then the
receipts, and for what is left the whole index is gone through, once for thousands of objects."""

from __future__ import annotations

import asyncio
import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from engine.archive import received
from engine.archive.tables import ArchivedSessionRow, DocumentRow
from engine.database.connection import Database
from engine.dicom.commitment import Reason
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_meta
from engine.model.accounts import Place
from engine.model.imaging import CatalogEntry
from engine.model.states import Status
from engine.prearchive.receipts import Receipts
from engine.prearchive.rows import place_of
from engine.prearchive.tables import HeldRow, ObjectRow, ReceiptRow, SessionRow
from engine.sessions.build.entries import read_entries
from engine.sessions.build.layout import LABELS
from engine.sessions.build.markup import MarkupError
from engine.sessions.holdings import Holding, fault_of, holdings, is_below, read_filed

AT_ONCE = 500
"""Objects that are looked for in the sessions of their sender."""

_NEAR = 30
"""How many of these."""

_SWEPT = 10_000
"""Objects for which the index is gone through at once."""

UNDECIDED = 0xFFFF
"""In place of a reason: the object is on its way, ask again."""

_LOOKS = 4
_PAUSE = 0.25
"""How often a file is looked for that its row names, and seconds between: jobs rename folders, and
rows follow."""

_META = 4096
"""Bytes that hold the meta information of a file of ours."""

_LEAVING = frozenset({Status.QUEUED_DELETING.value, Status.DELETING.value})
"""Nothing is promised of what somebody has deleted."""

_ANY_CLASS = "*"
"""Of an object whose file is not known for sure: the session is whole."""


_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """Where objects may be."""

    prearchive_db: Database
    archive_db: Database
    prearchive: Path
    archive: Path
    receipts: Receipts


@dataclass(slots=True)
class _Found:
    """What is known of the objects of a batch, by their UIDs."""

    classes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Of objects whose file is there."""
    on_its_way: set[str] = field(default_factory=set)
    """The file is not where its row says, or waits for the helper."""
    kept: set[str] = field(default_factory=set)
    """Something is there, but it cannot be promised."""

    def reason(self, sop_class: str, uid: str) -> int:
        """Decide on one object."""
        there = self.classes.get(uid)
        if there is not None:
            agrees = sop_class in there or _ANY_CLASS in there
            return Reason.COMMITTED if agrees else Reason.CLASS_INSTANCE_CONFLICT
        if uid in self.on_its_way:
            return UNDECIDED
        return Reason.PROCESSING_FAILURE if uid in self.kept else Reason.NO_SUCH_OBJECT


class Verdicts:
    """Decides on the objects of one request."""

    def __init__(self, stores: Stores, calling: str = "") -> None:
        """Look into these stores, for the AE title of a sender."""
        self._stores = stores
        self._calling = calling
        self._near: list[str] | None = None
        self._filed: dict[str, _Filed | None] = {}

    async def decide(self, objects: Iterable[tuple[str, str]]) -> array[int]:
        """Return for each object, in their order, zero or the reason why it is not committed."""
        reasons = array("H")
        left: list[tuple[int, str, str]] = []
        for batch in _batches(objects, AT_ONCE):
            found = await self._find_near({uid for _, uid in batch})
            for sop_class, uid in batch:
                reason = found.reason(sop_class, uid)
                if reason != Reason.COMMITTED:
                    left.append((len(reasons), sop_class, uid))
                reasons.append(reason)
        for some in _batches(left, _SWEPT):
            found = await self._find_far({uid for _, _, uid in some})
            for number, sop_class, uid in some:
                reasons[number] = found.reason(sop_class, uid)
        return reasons

    async def _find_near(self, uids: set[str]) -> _Found:
        """Look where objects most likely are."""
        found = _Found()
        await self._waiting(uids, found, await self._sessions_nearby())
        await self._archived(uids - found.classes.keys(), found)
        return found

    async def _find_far(self, uids: set[str]) -> _Found:
        """Look everywhere, again where a file is not where its row says."""
        found = _Found()
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_PAUSE)
            missing = uids - found.classes.keys()
            found.on_its_way.clear()
            await self._waiting(missing, found)
            await self._archived(missing - found.classes.keys(), found)
            found.on_its_way.difference_update(found.classes)
            if not found.on_its_way:
                break
        # Looked for often enough: it is lost.
        found.on_its_way.clear()
        await self._held(uids - found.classes.keys(), found)
        return found

    async def _sessions_nearby(self) -> list[str]:
        """Name the sessions that the sender has fed last."""
        if self._near is None:
            query = select(SessionRow.id).where(SessionRow.calling == self._calling)
            query = query.order_by(SessionRow.last_object.desc()).limit(_NEAR)
            async with self._stores.prearchive_db.read() as transaction:
                self._near = list((await transaction.execute(query)).scalars())
        return self._near

    async def _waiting(
        self, uids: set[str], found: _Found, sessions: list[str] | None = None
    ) -> None:
        """Look into the sessions that wait, by default into all."""
        if sessions is not None and not sessions:
            return
        query = select(
            ObjectRow.received_sop_uid,
            ObjectRow.file,
            SessionRow.project,
            SessionRow.timestamp,
            SessionRow.folder,
            SessionRow.working_folder,
        ).join(SessionRow, SessionRow.id == ObjectRow.session)
        query = query.where(
            ObjectRow.received_sop_uid.in_(uids), SessionRow.status.not_in(_LEAVING)
        )
        if sessions is not None:
            query = query.where(ObjectRow.session.in_(sessions))
        async with self._stores.prearchive_db.read() as transaction:
            rows = (await transaction.execute(query)).all()
        prearchive = self._stores.prearchive
        files = []
        for uid, file, project, timestamp, folder, working in rows:
            home = place_of(prearchive, project, timestamp, folder)
            files.append((uid, f"{prearchive / working if working else home}/{file}"))
        await asyncio.to_thread(_read_classes, files, found)

    async def _archived(self, uids: set[str], found: _Found) -> None:
        """Follow the receipts into the archive."""
        if not uids:
            return
        marks = {self._stores.receipts.mark(uid): uid for uid in uids}
        query = select(ReceiptRow.sop, ReceiptRow.session, ReceiptRow.object).where(
            ReceiptRow.sop.in_(marks), ReceiptRow.place == Place.ARCHIVED.value
        )
        async with self._stores.prearchive_db.read() as transaction:
            rows = (await transaction.execute(query)).all()
        await self._load({session for _, session, _ in rows})
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for sop, session, key in rows:
            wanted[session][marks[sop]] = key
        for session, keys in wanted.items():
            filed = self._filed[session]
            if filed is not None:
                await asyncio.to_thread(filed.find, keys, found)

    async def _load(self, sessions: set[str]) -> None:
        """Learn of archived sessions what is needed to find their files."""
        unknown = sessions - self._filed.keys()
        if not unknown:
            return
        query = (
            select(ArchivedSessionRow.origin, ArchivedSessionRow.folder, DocumentRow.xml)
            .join(DocumentRow, DocumentRow.session == ArchivedSessionRow.id)
            .where(ArchivedSessionRow.origin.in_(unknown))
        )
        async with self._stores.archive_db.read() as transaction:
            rows = (await transaction.execute(query)).all()
        self._filed |= dict.fromkeys(unknown)
        for origin, folder, document in rows:
            self._filed[origin] = await asyncio.to_thread(
                _Filed, self._stores.archive / folder, document
            )

    async def _held(self, uids: set[str], found: _Found) -> None:
        """Look into staging: what is held is ours, but in no session yet."""
        if not uids:
            return
        query = select(HeldRow.received_sop_uid, HeldRow.waits).where(
            HeldRow.received_sop_uid.in_(uids)
        )
        async with self._stores.prearchive_db.read() as transaction:
            for uid, waits in await transaction.execute(query):
                (found.on_its_way if waits else found.kept).add(uid)


class _Filed:
    """An archived session: what its catalogs name, and where its objects lie by what they were."""

    def __init__(self, folder: Path, document: str) -> None:
        self._folder = folder
        self._places = received.places(folder)
        self._entries: dict[bytes, tuple[Holding, CatalogEntry]] = {}
        self._is_whole: bool | None = None
        for holding in holdings(read_filed(document)):
            if not holding.scan or holding.label not in LABELS:
                continue
            try:
                for _, entry in read_entries(folder / holding.catalog_path):
                    if is_below(entry.uri):
                        place = received.place_of(f"{holding.path}/{entry.uri}")
                        self._entries[place] = (holding, entry)
            except (OSError, MarkupError):
                self._is_whole = False

    def find(self, keys: Mapping[str, str], found: _Found) -> None:
        """Look for the files of objects, by their UIDs and the keys that receipts have of them."""
        files = []
        for uid, key in keys.items():
            place = self._places.get(bytes.fromhex(key)) if key else None
            if place is None:
                # It left before receipts had keys, or `.received` is lost: the file of this object
                # cannot be told from others, but none is missing.
                if self._whole():
                    found.classes[uid].add(_ANY_CLASS)
                else:
                    found.kept.add(uid)
                continue
            holding, entry = self._entries.get(place, (None, None))
            if holding is None or entry is None:
                continue
            place_on_disk = self._folder / holding.path
            if fault_of(place_on_disk, holding, entry) is None:
                files.append((uid, f"{place_on_disk}/{entry.uri}"))
        _read_classes(files, found)
        found.on_its_way.difference_update(keys)

    def _whole(self) -> bool:
        """Whether every file that the catalogs name is there."""
        if self._is_whole is None:
            self._is_whole = bool(self._entries) and all(
                fault_of(self._folder / holding.path, holding, entry) is None
                for holding, entry in self._entries.values()
            )
        return self._is_whole


def _batches(objects: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(objects)
    while batch := list(islice(rest, size)):
        yield batch


def _read_classes(files: Iterable[tuple[str, str]], found: _Found) -> None:
    """Read of which SOP class each file is; one that is not there may be on its way."""
    for uid, path in files:
        try:
            with open(path, "rb", buffering=0) as file:
                if not os.fstat(file.fileno()).st_size:
                    raise HeaderError("an empty file", 0)
                meta = read_meta(file.read(_META))
        except (FileNotFoundError, NotADirectoryError):
            found.on_its_way.add(uid)
        except (OSError, HeaderError):
            found.kept.add(uid)
        else:
            found.classes[uid].add(meta.sop_class)
