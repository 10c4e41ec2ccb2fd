# SPDX-License-Identifier: Apache-2.0
"""Turns the reports of workers into rows and events: journals are ingested, transfers are updated,
and rejected senders are entered into the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.database.connection import Database
from engine.ingest.ingester import Ingester
from engine.ingest.posting import Ingested
from engine.intake.channel import TransferNews, Turned
from engine.model.live import broke_off
from engine.model.measures import say_count
from engine.model.states import Status
from engine.prearchive import ledger, transfers
from engine.service.event_buffer import EventBuffer

_LINES = 2000
"""Lines of the ledger whose count is known."""

_SAID = {
    "duplicate": "received twice",
    "conflict": "received with a UID that other content has",
}
_HARMLESS = frozenset({"duplicate", "filtered"})
"""Outcomes that are told, and that nobody has to do anything about."""


class Reception:
    """The engine's ear for its workers; satisfies the pool's `News`."""

    def __init__(
        self, database: Database, ingester: Ingester, buffer: EventBuffer, node: str
    ) -> None:
        """Write into one prearchive database."""
        self._database = database
        self._ingester = ingester
        self._buffer = buffer
        self._node = node
        self._known: set[str] = set()
        self._lines: dict[tuple[str, ...], int] = {}
        """How often lines of the ledger were counted since this engine began, the newest last."""

    async def hello(self, journal: str) -> None:
        """A worker has begun a journal."""
        await self._ingester.register(journal)

    async def grown(self) -> None:
        """There are new records."""
        self.tell(await self._ingester.ingest())

    async def catch_up(self) -> None:
        """Take in what the workers of every engine have written down."""
        self.tell(await self._ingester.ingest(every_node=True))

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
                    account=each.account,
                    certificate=each.certificate,
                    echoes=each.echoes,
                )
        broken = [each for each in news if each.closed and broke_off(each.ended)]
        for each in broken:
            async with self._database.write() as transaction:
                await transfers.cut_short(
                    transaction, [each.transfer], closed=_moment(each.closed), ended=each.ended
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
        for _, last, count in folded.values():
            self._tell_line(last, count, "association")

    async def ended(self, journal: str) -> None:
        """A worker has ended: its journal is taken in to its end and put away."""
        self.tell(await self._ingester.finish(journal))

    def tell(self, ingested: Ingested) -> None:
        """Make events of what a round of ingesting has changed."""
        for session in sorted(ingested.sessions):
            self._buffer.progress("session", session, f"objects arrived, {Status.RECEIVING.value}")
        for transfer in sorted(ingested.transfers):
            self._buffer.progress("transfer", transfer, "objects taken in")
        for _, last, count in ingested.ledger.values():
            self._tell_line(last, count, "object")

    def _tell_line(self, line: ledger.Line, count: int, what: str) -> None:
        """Tell who was refused, or brought what was there, at whom, and how often until now."""
        key = (line.transfer, line.outcome, line.reason, line.rule, line.session)
        many = self._lines.pop(key, 0) + count
        self._lines[key] = many
        while len(self._lines) > _LINES:
            del self._lines[next(iter(self._lines))]
        if many <= 0:
            return  # it was taken back
        text = f"{say_count(many, what)} {_SAID.get(line.outcome, line.outcome)}"
        if line.calling or line.peer:
            text += f" from {line.calling or 'nobody known'} ({line.peer or 'no address'})"
        text += f" to {line.receiver}" if line.receiver else ""
        severity = "info" if line.outcome in _HARMLESS else "warning"
        text = f"{text}: {line.reason}" if line.reason else text
        self._buffer.progress("ledger", line.calling, text, severity, of="\0".join(key))

    def _tell_transfer(self, news: TransferNews) -> None:
        if news.closed:
            self._known.discard(news.transfer)
            text = f"association {news.ended}, {news.objects} objects"
            severity = "warning" if broke_off(news.ended) else "info"
            self._buffer.tell("transfer", news.transfer, text, severity)
        elif news.transfer not in self._known:
            self._known.add(news.transfer)
            self._buffer.tell("transfer", news.transfer, "association accepted")
        else:
            self._buffer.progress("transfer", news.transfer, f"{news.objects} objects so far")


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
