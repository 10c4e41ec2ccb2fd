"""What the workers report, made into rows and events: journals are absorbed, transfers noted, and
those who were turned away stand in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.archive.database import Database
from engine.archive.prearchive import ledger, transfers
from engine.intake.absorb import Absorbed, Absorber
from engine.intake.channel import TransferNews, Turned
from engine.model.states import Status
from engine.service.ring import EventRing


class Reception:
    """The engine's ear for its workers; satisfies the pool's `News`."""

    def __init__(self, database: Database, absorber: Absorber, ring: EventRing, node: str) -> None:
        """Write into one prearchive database."""
        self._database = database
        self._absorber = absorber
        self._ring = ring
        self._node = node
        self._known: set[str] = set()

    async def hello(self, journal: str) -> None:
        """A worker has begun a journal."""
        await self._absorber.register(journal)

    async def grown(self) -> None:
        """There are new records."""
        self.tell(await self._absorber.absorb())

    async def transfers(self, news: tuple[TransferNews, ...]) -> None:
        """Transfers have begun, gone on or ended."""
        async with self._database.write() as transaction:
            for each in sorted(news, key=lambda each: each.transfer):
                await transfers.note(
                    transaction,
                    id=each.transfer,
                    node=self._node,
                    worker=each.worker,
                    receiver=each.receiver,
                    port=each.port,
                    calling=each.calling,
                    peer=each.peer,
                    opened=_moment(each.opened),
                    series=each.series,
                    last_error=each.last_error,
                    closed=_moment(each.closed) if each.closed else None,
                    ended=each.ended,
                )
        for each in news:
            self._tell_transfer(each)

    async def turned(self, turned: tuple[Turned, ...]) -> None:
        """Somebody got no association."""
        folded: ledger.Fold = {}
        for each in turned:
            line = ledger.Line(
                transfer=f"{each.calling}@{each.peer}"[:40],
                outcome="refused",
                reason=each.reason,
                receiver=each.called,
                calling=each.calling,
                peer=each.peer,
                at=_moment(each.at),
            )
            ledger.fold(folded, line, max(1, each.count))
        async with self._database.write() as transaction:
            await ledger.add(transaction, folded)
        for each in turned:
            self._ring.tell("ledger", each.calling, f"association: {each.reason}", "warning")

    async def ended(self, journal: str) -> None:
        """A worker has ended: its journal is taken in to its end and put away."""
        self.tell(await self._absorber.finish(journal))

    def tell(self, absorbed: Absorbed) -> None:
        """Make events of what a round of absorption has changed."""
        for session in sorted(absorbed.sessions):
            self._ring.progress("session", session, f"objects arrived, {Status.RECEIVING.value}")
        for transfer in sorted(absorbed.transfers):
            self._ring.progress("transfer", transfer, "objects taken in")
        if absorbed.ledger:
            self._ring.progress("ledger", "", "the ledger has new lines", "warning")

    def _tell_transfer(self, news: TransferNews) -> None:
        if news.closed:
            self._known.discard(news.transfer)
            text = f"association {news.ended}, {news.objects} objects"
            self._ring.tell("transfer", news.transfer, text)
        elif news.transfer not in self._known:
            self._known.add(news.transfer)
            self._ring.tell("transfer", news.transfer, "association accepted")
        else:
            self._ring.progress("transfer", news.transfer, f"{news.objects} objects so far")


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
