# SPDX-License-Identifier: Apache-2.0
"""What is known of a sender: all that it has brought since a moment, and nothing from before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.prearchive import accounts, ledger
from engine.prearchive.evidence import MOST_NAMED, Evidence, FedSession, Told, gather
from engine.prearchive.ledger import Fold, Line
from engine.prearchive.tables import TransferRow
from tests.engine.prearchive.test_rows import keep, row

SINCE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def transfer(number: int, *, at: datetime = SINCE, **values: object) -> TransferRow:
    values = {"receiver": "FRONT", "calling": "CT1", "peer": "10.0.0.7", "ended": "released"} | (
        values
    )
    return TransferRow(
        id=f"tr_{number:04}",
        node="n",
        opened=at,
        closed=at if values["ended"] else None,
        echoes=1,
        objects=2,
        bytes=100,
        **values,
    )


async def gathered(database: Database, receiver: str = "") -> Evidence:
    async with database.read() as session:
        return await gather(session, "CT1", receiver, SINCE)


async def test_all_associations_and_sessions_count_however_many(prearchive: Database) -> None:
    many = 600
    async with prearchive.write() as session:
        session.add_all([transfer(number, at=SINCE + number * MINUTE) for number in range(many)])
        session.add_all(
            [
                transfer(900, at=SINCE - MINUTE),
                transfer(901, calling="MR1"),
                transfer(
                    902, at=SINCE + MINUTE / 2, receiver="BACK", peer="10.0.0.8", ended="aborted"
                ),
                transfer(903, at=SINCE + many * MINUTE, ended=""),
            ]
        )
        tallies = {
            (f"tr_{number:04}", f"pre_{number:04}", Place.ARCHIVED): 2 for number in range(many)
        }
        others = {(f"tr_{number:04}", "pre_other", Place.WAITING): 9 for number in (900, 901)}
        await accounts.add(session, tallies | others)
    seen = await gathered(prearchive)
    assert (seen.associations, seen.open, seen.broken) == (many + 2, 1, ("aborted",))
    assert (seen.echoes, seen.objects, seen.bytes) == (many + 2, 2 * many + 4, 100 * many + 200)
    assert (seen.peers, seen.receivers) == (("10.0.0.7", "10.0.0.8"), ("FRONT", "BACK"))
    assert seen.places == {Place.ARCHIVED: 2 * many}
    assert (seen.fed, seen.routed, seen.astray) == (many, many, 0)
    assert len(seen.sessions) == MOST_NAMED
    front = await gathered(prearchive, "FRONT")
    assert (front.associations, front.peers, front.broken) == (many + 1, ("10.0.0.7",), ())


async def test_sessions_that_left_are_told_from_those_that_wait(prearchive: Database) -> None:
    await keep(prearchive, row("pre_d", project="P"), row("pre_e", project=None))
    async with prearchive.write() as session:
        session.add(transfer(1))
        places = {
            "pre_a": Place.DELETED,
            "pre_b": Place.ARCHIVED,
            "pre_d": Place.WAITING,
            "pre_e": Place.WAITING,
            "": Place.REJECTED,
        }
        await accounts.add(session, {("tr_0001", of, place): 1 for of, place in places.items()})
    seen = await gathered(prearchive)
    assert (seen.fed, seen.routed, seen.astray) == (4, 2, 1)
    assert seen.sessions == (
        FedSession(session="pre_e", project=None, waits=True),
        FedSession(session="pre_d", project="P", waits=True),
        FedSession(session="pre_a", project=None, waits=False),
        FedSession(session="pre_b", project=None, waits=False, filed=True),
    )


async def test_nothing_is_counted_that_was_turned_away_before(prearchive: Database) -> None:
    folded: Fold = {}
    for reason, calling, before, since in (
        ("not allowed", "CT1", 7, 1),
        ("wrong title", "CT1", 0, 3),
        ("limit", "CT1", 2, 0),
        ("wrong title", "MR1", 0, 5),
    ):
        for at, many in ((SINCE - MINUTE, before), (SINCE + MINUTE, since)):
            line = Line(
                transfer=f"{calling}@10.0.0.7",
                outcome="refused",
                reason=reason,
                at=at,
                calling=calling,
            )
            for _ in range(many):
                ledger.fold(folded, line)
    async with prearchive.write() as session:
        await ledger.add(session, folded)
    assert (await gathered(prearchive)).told == (
        Told(outcome="refused", reason="not allowed", count=None),
        Told(outcome="refused", reason="wrong title", count=3),
    )
