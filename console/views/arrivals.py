# SPDX-License-Identifier: Apache-2.0
"""What is arriving or settling: associations joined with the sessions that they feed, sessions that
wait, held objects, senders that were refused or sent duplicates, and sessions that have just left.
Pure: the time of day is an argument; how a row looks is decided in `console.views.live`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from engine.model.live import RELEASED, Event, HeldObject, LedgerEntry, Transfer, broke_off
from engine.model.prearchive import PrearchiveSession
from engine.model.states import QUEUED, RECEIVING, WORKING, Status

T = TypeVar("T")
SILENT = timedelta(seconds=10)
"""An open association that brings nothing for so long is stalled."""

LINGERS = timedelta(minutes=10)
"""How long a row stays once nothing moves it any more."""

SMOOTHED = timedelta(seconds=4)
"""A rate is an average of so long."""

REMEMBERED = 2000
"""Sessions and transfers whose last known row is kept."""

_LOST = ("dropped", "its folder is gone")
_ENDS = ("archived", "deleted", *_LOST)
"""How the text of an event begins after which a session is no longer in the prearchive."""


class Stage(StrEnum):
    """How far something has come, in the order of the list: what needs a person first, then what
    moves, then what is over."""

    ERROR = "error"
    LOST = "lost"
    HELD = "held"
    CONFLICT = "conflict"
    BROKEN = "broken"
    CUT = "cut short"
    REFUSED = "refused"
    UNASSIGNED = "no project"
    STALLED = "stalled"
    LIVE = "live"
    WAITING = "waiting"
    WORKING = "at work"
    DOUBLE = "double"
    READY = "ready"
    GONE = "gone"


_ORDER = {stage: place for place, stage in enumerate(Stage)}
_OF_LEDGER = {"refused": Stage.REFUSED, "failed": Stage.REFUSED, "duplicate": Stage.DOUBLE}
"""Outcomes of the ledger that have rows. What filters and scripts drop is told by the events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One row of the live screen, as facts."""

    key: str
    """The id of the session where there is one."""
    stage: Stage
    calling: str
    begun: datetime
    last: datetime
    objects: int = 0
    session: PrearchiveSession | None = None
    transfer: Transfer | None = None
    """The association that is open, or that has broken."""
    said: str = ""
    """Why, in the engine's words."""
    peer: str = ""
    """The address of who was refused, or sent something twice."""
    called: str = ""
    """The AE title that was called."""
    rate: float = 0.0


class Arrivals:
    """Joins what the engine tells."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.transfers: tuple[Transfer, ...] = ()
        self._sessions: dict[str, PrearchiveSession] = {}
        self._held: tuple[HeldObject, ...] = ()
        self._known: dict[str, PrearchiveSession] = {}
        self._senders: dict[str, str] = {}
        self._ends: dict[str, Event] = {}
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._counts: dict[str, deque[tuple[datetime, int]]] = {}

    @property
    def open(self) -> tuple[Transfer, ...]:
        """The associations that are open."""
        return tuple(one for one in self.transfers if one.closed is None)

    def session(self, id: str) -> PrearchiveSession | None:
        """Return a session as it was known last."""
        return self._known.get(id)

    def sender(self, transfer: str) -> str:
        """Return who sent in a transfer; empty where that is not known."""
        return self._senders.get(transfer, "")

    def has_left(self, id: str) -> bool:
        """Whether a session is no longer in the prearchive, as far as was heard."""
        return id in self._ends and id not in self._sessions

    def fed_by(self, transfer: str) -> str:
        """Return a session that an association feeds; empty where it feeds none."""
        return next(
            (one.sessions[0] for one in self.open if one.id == transfer and one.sessions), ""
        )

    def take(
        self,
        transfers: Sequence[Transfer],
        sessions: Sequence[PrearchiveSession],
        held: Sequence[HeldObject],
        at: datetime,
        ledger: Sequence[LedgerEntry] | None = None,
    ) -> None:
        """Take what the engine knows now; without a ledger the one before holds."""
        if ledger is not None:
            self._ledger = tuple(ledger)
        self.transfers, self._held = tuple(transfers), tuple(held)
        self._sessions = {one.id: one for one in sessions}
        _remember(self._known, self._sessions)
        _remember(self._senders, {one.id: one.calling or one.kind for one in transfers})
        counts: dict[str, int] = {}
        counts |= {one.id: one.objects for one in sessions if one.status in RECEIVING}
        counts |= {one.id: one.objects for one in self.open}
        self._counts = {key: self._counts.get(key, deque()) for key in counts}
        for key, count in counts.items():
            seen = self._counts[key]
            seen.append((at, count))
            while len(seen) > 2 and at - seen[1][0] >= SMOOTHED:
                seen.popleft()

    def hear(self, events: Iterable[Event]) -> None:
        """Take what happened: how sessions left."""
        for event in events:
            if event.kind == "session" and event.text.startswith(_ENDS):
                self._ends[event.object] = event

    def on_show(self, now: datetime) -> list[Arrival]:
        """Return the rows: what needs a person first, and of each kind what began last.

        Not by the last object: rows that change places with each object cannot be read.
        """
        self._forget(now)
        rows = self._of_sessions(now)
        cut = {one.key for one in rows if one.session is not None and one.session.cut_short}
        shown = {
            one.transfer.id
            for one in rows
            if one.transfer is not None and one.stage in (Stage.LIVE, Stage.STALLED)
        }
        # If the session says that it was cut short, the transfer need not say so too.
        shown |= {one.id for one in self.transfers if one.closed and cut & set(one.sessions)}
        rows += self._of_transfers(now, shown)
        rows += self._of_held()
        rows += self._of_gone()
        rows += self._of_ledger(now)
        rows.sort(key=lambda one: (one.begun, one.key), reverse=True)
        return sorted(rows, key=lambda one: _ORDER[one.stage])

    def _of_sessions(self, now: datetime) -> list[Arrival]:
        feeding = {id: one for one in reversed(self.open) for id in one.sessions}
        rows = []
        for session in self._sessions.values():
            transfer = feeding.get(session.id)
            stage = _stage(session, transfer, now)
            if stage is None:
                continue
            last = session.last_object
            if transfer is not None and stage is Stage.STALLED:
                last = _last(transfer)
            rows.append(
                Arrival(
                    key=session.id,
                    stage=stage,
                    calling=session.calling,
                    begun=session.uploaded,
                    last=last,
                    objects=session.objects,
                    session=session,
                    transfer=transfer,
                    said=session.reason,
                    rate=self._rate(session.id, now) if stage is Stage.LIVE else 0.0,
                )
            )
        return rows

    def _of_transfers(self, now: datetime, shown: set[str]) -> list[Arrival]:
        rows = []
        for one in self.transfers:
            if one.id in shown:
                continue
            if one.closed is None:
                stage = Stage.STALLED if now - _last(one) >= SILENT else Stage.LIVE
            elif now - one.closed < LINGERS and one.ended not in ("", RELEASED):
                stage = Stage.BROKEN if broke_off(one.ended) else Stage.REFUSED
            else:
                continue
            rows.append(
                Arrival(
                    key=one.id,
                    stage=stage,
                    calling=one.calling or one.kind,
                    begun=one.opened,
                    last=one.closed or _last(one),
                    objects=one.objects,
                    transfer=one,
                    said=f"{one.ended}: {one.last_error}" if one.last_error else one.ended,
                    peer=one.peer,
                    called=one.receiver,
                    rate=self._rate(one.id, now) if stage is Stage.LIVE else 0.0,
                )
            )
        return rows

    def _of_held(self) -> list[Arrival]:
        alike: dict[tuple[str, str], list[HeldObject]] = {}
        for one in self._held:
            alike.setdefault((one.transfer, one.reason), []).append(one)
        return [
            Arrival(
                key=f"held {transfer} {reason}",
                stage=Stage.HELD,
                calling=self.sender(transfer),
                begun=min(one.at for one in objects),
                last=max(one.at for one in objects),
                objects=len(objects),
                said=reason,
            )
            for (transfer, reason), objects in alike.items()
        ]

    def _of_ledger(self, now: datetime) -> list[Arrival]:
        alike: dict[tuple[str, ...], list[LedgerEntry]] = {}
        for one in self._ledger:
            if one.outcome in _OF_LEDGER and now - one.last < LINGERS:
                # Repeated attempts of one sender share a row.
                key = (one.outcome, one.calling, one.peer, one.receiver, one.reason)
                alike.setdefault(key, []).append(one)
        return [
            Arrival(
                key=f"ledger {' '.join(key)}",
                stage=_OF_LEDGER[key[0]],
                calling=lines[0].calling,
                begun=min(one.first for one in lines),
                last=max(one.last for one in lines),
                objects=sum(one.count for one in lines),
                said=lines[0].reason,
                peer=lines[0].peer,
                called=lines[0].receiver,
            )
            for key, lines in alike.items()
        ]

    def _of_gone(self) -> list[Arrival]:
        return [
            Arrival(
                key=id,
                stage=Stage.LOST if event.text.startswith(_LOST) else Stage.GONE,
                calling=known.calling,
                begun=known.uploaded,
                last=event.at,
                objects=known.objects,
                session=known,
                said=event.text,
            )
            for id, event in self._ends.items()
            if id not in self._sessions and (known := self._known.get(id)) is not None
        ]

    def _forget(self, now: datetime) -> None:
        self._ends = {id: one for id, one in self._ends.items() if now - one.at < LINGERS}

    def _rate(self, key: str, now: datetime) -> float:
        seen = self._counts.get(key)
        if seen is None or len(seen) < 2 or now - seen[-1][0] > SMOOTHED:
            return 0.0
        (begun, before), (ended, after) = seen[0], seen[-1]
        seconds = (ended - begun).total_seconds()
        return max(0.0, (after - before) / seconds) if seconds > 0 else 0.0


def _stage(session: PrearchiveSession, transfer: Transfer | None, now: datetime) -> Stage | None:
    status = session.status
    if session.locked or status in QUEUED or status in WORKING:
        return Stage.WORKING
    if status in RECEIVING:
        if transfer is not None:
            if now - _last(transfer) >= SILENT:
                return Stage.STALLED
            # An association that feeds several sessions goes on with one of them at a time.
            if len(transfer.sessions) == 1 or now - session.last_object < SILENT:
                return Stage.LIVE
        if session.cut_short:
            return Stage.CUT
        return Stage.WAITING if session.project is not None else Stage.UNASSIGNED
    if now - session.lastmod >= LINGERS and not session.cut_short:
        return None
    if status is Status.ERROR:
        return Stage.ERROR
    if status is Status.CONFLICT:
        return Stage.CONFLICT
    if session.cut_short:
        return Stage.CUT
    return Stage.READY if session.project is not None else Stage.UNASSIGNED


def _last(transfer: Transfer) -> datetime:
    return transfer.last_object or transfer.opened


def _remember(known: dict[str, T], news: Mapping[str, T]) -> None:
    for key, value in news.items():
        known.pop(key, None)
        known[key] = value
    while len(known) > REMEMBERED:
        del known[next(iter(known))]
