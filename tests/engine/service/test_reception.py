# SPDX-License-Identifier: Apache-2.0
"""What workers report becomes rows and events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.database.connection import Database
from engine.ingest.ingester import Ingester
from engine.ingest.posting import Ingested
from engine.intake.channel import TransferNews, Turned
from engine.intake.journal import Journal, Outcome, Record
from engine.model.accounts import Place
from engine.model.states import Status
from engine.prearchive import accounts, ledger, transfers
from engine.prearchive.receipts import Receipts
from engine.prearchive.tables import SessionRow
from engine.service.event_buffer import EventBuffer
from engine.service.reception import Reception
from tests.conftest import Backend
from tests.engine.prearchive.test_rows import keep, row

SECOND = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ear:
    """A reception and what stands around it."""

    reception: Reception
    database: Database
    ring: EventBuffer
    folder: Path

    async def texts(self) -> list[tuple[str, str, str]]:
        batch = await self.ring.after(self.ring.epoch, 0)
        return [(event.kind, event.object, event.text) for event in batch.events]


@pytest.fixture
async def ear(backend: Backend, tmp_path: Path) -> AsyncIterator[Ear]:
    database = Database.open(backend.prearchive_url)
    (tmp_path / ".journals").mkdir()
    ring = EventBuffer(clock=lambda: 0.0)
    ingester = Ingester(database, tmp_path, node="n", receipts=Receipts(b"secret"))
    yield Ear(
        reception=Reception(database, ingester, ring, "n"),
        database=database,
        ring=ring,
        folder=tmp_path / ".journals",
    )
    await database.close()


def news(transfer: str = "tr_1", **values: int | str) -> TransferNews:
    plain: dict[str, int | str] = {
        "worker": "w1",
        "receiver": "ANTEROOM",
        "port": 104,
        "calling": "SCANNER",
        "peer": "::1",
        "opened": SECOND,
        "objects": 0,
        "bytes": 0,
    }
    return TransferNews(transfer=transfer, **plain | values)  # type: ignore[arg-type]


async def test_a_transfer_from_beginning_to_end(ear: Ear) -> None:
    await ear.reception.transfers((news(),))
    await ear.reception.transfers((news(objects=3, series="T1"),))
    await ear.reception.transfers((news(objects=5, closed=2 * SECOND, ended="released"),))
    async with ear.database.read() as transaction:
        (transfer,) = await transfers.list_transfers(transaction)
    assert (transfer.calling, transfer.ended) == ("SCANNER", "released")
    assert transfer.closed is not None
    assert (transfer.closed - transfer.opened).total_seconds() == 1
    assert await ear.texts() == [
        ("transfer", "tr_1", "association accepted"),
        ("transfer", "tr_1", "3 objects so far"),
        ("transfer", "tr_1", "association released, 5 objects"),
    ]


async def test_a_flood_that_was_turned_away_is_one_line(ear: Ear) -> None:
    turned = Turned(
        at=SECOND,
        count=1_000_000_000,
        called="ANY",
        port=104,
        calling="S" * 16,
        peer="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        reason="called AE title not recognised",
    )
    await ear.reception.turned((turned, turned))
    async with ear.database.read() as transaction:
        (entry,) = await ledger.list_entries(transaction, 0, 10)
    assert (entry.count, entry.outcome, entry.peer) == (2_000_000_000, "refused", turned.peer)
    told = f"2000000000 associations refused from {turned.calling} ({turned.peer}) to ANY"
    assert await ear.texts() == [
        ("ledger", turned.calling, f"{told}: called AE title not recognised")
    ]


async def test_a_journal_from_its_first_word_to_its_end(ear: Ear) -> None:
    journal = Journal(ear.folder / "n-w1-1.journal")
    await ear.reception.hello(journal.path.name)
    refused = Record(
        at=SECOND, transfer="tr_1", outcome=Outcome.REFUSED, reason="the data set is empty"
    )
    journal.append(refused, sync=False)
    await ear.reception.grown()
    journal.append(refused, sync=False)
    journal.close()
    await ear.reception.ended(journal.path.name)
    assert not journal.path.exists()
    async with ear.database.read() as transaction:
        assert (await accounts.total(transaction)).at(Place.REFUSED) == 2
        (entry,) = await ledger.list_entries(transaction, 0, 10)
    assert (entry.count, entry.reason) == (2, "the data set is empty")
    assert await ear.texts() == [
        ("transfer", "tr_1", "objects taken in"),
        ("ledger", "", "1 object refused: the data set is empty"),
    ]


async def test_sessions_that_grew_are_told(ear: Ear) -> None:
    ear.reception.tell(Ingested(sessions={"pre_b", "pre_a"}))
    assert [object for _, object, _ in await ear.texts()] == ["pre_a", "pre_b"]


@pytest.mark.parametrize("counted_first", [True, False])
@pytest.mark.parametrize("ended", ["aborted by the sender", "released"])
async def test_an_abort_cuts_the_session_short_whichever_is_heard_first(
    ear: Ear, ended: str, counted_first: bool
) -> None:
    await keep(ear.database, row("pre_a", status=Status.RECEIVING))
    journal = Journal(ear.folder / "n-w1-1.journal")
    await ear.reception.hello(journal.path.name)
    stored = Record(
        at=SECOND,
        transfer="tr_1",
        outcome=Outcome.STORED,
        session="pre_a",
        received_sop="1.2",
        digest="d",
        file="SCANS/1/DICOM/1.dcm",
    )
    journal.append(stored, sync=False)
    closing = news(objects=1, closed=2 * SECOND, ended=ended)
    if counted_first:
        await ear.reception.grown()
        await ear.reception.transfers((closing,))
    else:
        await ear.reception.transfers((closing,))
        await ear.reception.grown()
    journal.close()
    async with ear.database.read() as transaction:
        found = await transaction.get_one(SessionRow, "pre_a")
    assert found.cut_short == ("" if ended == "released" else ended)
    events = (await ear.ring.after(ear.ring.epoch, 0)).events
    severities = {one.severity for one in events if one.text.startswith(f"association {ended}")}
    assert severities == {"info" if ended == "released" else "warning"}


async def test_who_sends_what_is_there_is_told_with_how_often(ear: Ear) -> None:
    line = ledger.Line(
        transfer="tr_1",
        outcome="duplicate",
        reason="it is there",
        calling="MR3T_A",
        peer="10.3.1.44",
        receiver="ANTEROOM",
        at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    folded: ledger.Fold = {}
    ledger.fold(folded, line, 6)
    ear.reception.tell(Ingested(ledger=folded))
    ear.reception.tell(Ingested(ledger=folded))

    async def told() -> list[str]:
        batch = await ear.ring.after(ear.ring.epoch, 1, 5)
        return [one.text for one in batch.events]

    whole = "objects received twice from MR3T_A (10.3.1.44) to ANTEROOM: it is there"
    assert (await ear.texts())[0] == ("ledger", "MR3T_A", f"6 {whole}")
    # With the next rhythm, and counted together.
    assert await told() == [f"12 {whole}"]
