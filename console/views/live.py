# SPDX-License-Identifier: Apache-2.0
"""How the live screen shows what arrives: rows, the counts above them, the accounts, receivers and
senders. Pure: the time of day is an argument, and nothing here knows a widget's state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.views import figures
from console.views.arrivals import Arrival, Stage
from console.views.rows import Piece, Row, TableColumn
from engine.model.accounts import BESIDE, Accounts, Place
from engine.model.filters import Comparison, Condition, Filter
from engine.model.live import ReceiverStatus, SenderSeen, Transfer
from engine.model.prearchive import PrearchiveSession
from engine.model.states import QUEUED, RECEIVING, Status

COLUMNS = (
    TableColumn(title="State", width=12),
    TableColumn(title="From", width=8, priority=2),
    TableColumn(title="Project", width=7, priority=5),
    TableColumn(title="Subject", width=8),
    TableColumn(title="Ser", width=3, right=True, priority=4),
    TableColumn(title="Series or next step", width=16, grows=True),
    TableColumn(title="Images", width=7, right=True, priority=1, live=True),
    TableColumn(title="img/s", width=5, right=True, priority=3, live=True),
    TableColumn(title="Last", width=4, right=True),
)
FIELDS = frozenset({"from", "project", "state", "subject"})
"""What a condition may be on; each is looked for in what the column shows."""

_PLACES = {"state": 0, "from": 1, "project": 2, "subject": 3}
_STATES = {
    Stage.LIVE: ("● live", "good"),
    Stage.STALLED: ("! stalled", "look"),
    Stage.WAITING: ("◐ waiting", "plain"),
    Stage.UNASSIGNED: ("! no project", "look"),
    Stage.HELD: ("✗ held", "bad"),
    Stage.ERROR: ("✗ error", "bad"),
    Stage.CONFLICT: ("≠ conflict", "look"),
    Stage.READY: ("✓ ready", "good"),
    Stage.BROKEN: ("✗ broken", "bad"),
    Stage.CUT: ("! cut short", "look"),
    Stage.DOUBLE: ("≡ double", "plain"),
    Stage.REFUSED: ("✗ refused", "bad"),
}
_GONE = {
    "archived": ("✓ archived", "good"),
    "deleted": ("† deleted", "dim"),
    "dropped": ("† dropped", "look"),
}
_LOST = ("✗ lost", "bad")
ROOM = 12
"""Lines for senders."""


def state(arrival: Arrival) -> tuple[str, str]:
    """Return the state as sign and word, and its tone."""
    session = arrival.session
    if arrival.stage in (Stage.GONE, Stage.LOST):
        return _GONE.get(arrival.said.partition(" ")[0].rstrip(":"), _LOST)
    if arrival.stage is not Stage.WORKING or session is None:
        return _STATES[arrival.stage]
    if session.status in QUEUED:
        return "◌ queued", "plain"
    if session.status is Status.RECEIVING_INTERRUPT:
        return "◑ building", "plain"
    return f"◑ {session.status.value.lower()}", "plain"


def step(arrival: Arrival, now: datetime, *, build_after: float, asks: bool = True) -> str:
    """Say what is arriving or what comes next; `asks` where the person may ask why."""
    told = _step(arrival, now, build_after=build_after, asks=asks)
    session = arrival.session
    if session is None or not session.cut_short or arrival.stage is Stage.CUT:
        return told
    return f"{told}; cut short" if told else "cut short"


def _step(arrival: Arrival, now: datetime, *, build_after: float, asks: bool) -> str:
    session, stage = arrival.session, arrival.stage
    if stage is Stage.CUT and session is not None:
        waits = session.status in RECEIVING
        then = _builds(arrival, now, build_after) if waits else f"built {_minute(session.lastmod)}"
        return f"{session.cut_short}; {then}"
    if stage in (Stage.REFUSED, Stage.DOUBLE, Stage.BROKEN):
        # The reason first: in a terminal of 120 columns the rest may be cut.
        way = f"{arrival.peer or '–'} → {arrival.called or '–'}"
        return f"{arrival.said}: {way}" if arrival.said else way
    if stage is Stage.LIVE:
        series = arrival.transfer.series if arrival.transfer is not None else ""
        return series or ("" if arrival.objects else "open, no image yet")
    if stage is Stage.STALLED:
        silent = f"silent for {_seconds(int((now - arrival.last).total_seconds()))}"
        error = arrival.transfer.last_error if arrival.transfer is not None else ""
        return f"{silent}: {error}" if error else silent
    if stage is Stage.WAITING:
        return _builds(arrival, now, build_after)
    if stage is Stage.UNASSIGNED:
        return "Unassigned (o: why)" if asks else "Unassigned"
    if stage is Stage.WORKING and session is not None:
        if session.status in QUEUED:
            return f"for {session.status.value.removeprefix('QUEUED_').lower()}"
        return "more arrives" if session.status is Status.RECEIVING_INTERRUPT else ""
    if stage is Stage.READY and session is not None:
        return f"built {_minute(session.lastmod)}"
    if stage in (Stage.GONE, Stage.LOST):
        return f"{arrival.said} {_minute(arrival.last)}"
    return arrival.said or "its log says why"


def row(arrival: Arrival, now: datetime, *, build_after: float, asks: bool = True) -> Row:
    """Show one arrival."""
    session = arrival.session
    shown, tone = state(arrival)
    return Row(
        key=arrival.key,
        tone=tone,
        cells=(
            shown,
            arrival.calling,
            (session.project or "–") if session is not None else "",
            (session.subject or session.label) if session is not None else "",
            _series(session) if session is not None else "",
            step(arrival, now, build_after=build_after, asks=asks),
            figures.grouped(arrival.objects) if arrival.objects else "",
            figures.rate(arrival.rate),
            figures.age(now, arrival.last),
        ),
    )


def fits(row: Row, filter: Filter) -> bool:
    """Whether a row fits a filter, by what it shows: what is masked is not found."""
    text = " ".join(row.cells).lower()
    return all(word.lower() in text for word in filter.words) and all(
        _holds(row, each) for each in filter.conditions
    )


def counts(arrivals: Sequence[Arrival], opened: int) -> str:
    """Say how many associations are open, and how much waits and is at work."""
    waiting = sum(
        one.stage is Stage.WAITING
        or (
            one.stage in (Stage.CUT, Stage.UNASSIGNED)
            and one.session is not None
            and one.session.status in RECEIVING
        )
        for one in arrivals
    )
    working = sum(one.stage is Stage.WORKING for one in arrivals)
    return f"{opened} open · {waiting} waiting · {working} at work"


def accounts_line(accounts: Accounts, *, staged: int = 0, short: bool = False) -> str:
    """Say what was received and where it is; `short` puts the lesser places together. `staged` are
    those among the waiting ones that the script is yet to run over."""
    places = [
        (place, count) for place, count in accounts.counts.items() if count and place not in BESIDE
    ]
    chief = (Place.WAITING, Place.HELD, Place.ARCHIVED)
    parts = [
        f"{figures.grouped(count)} {place.value}"
        for place, count in places
        if not short or place in chief
    ]
    other = sum(count for place, count in places if place not in chief)
    if short and other:
        parts.append(f"{figures.grouped(other)} other")
    beside = [
        f"{figures.grouped(count)} {place.value}"
        for place in sorted(BESIDE)
        if (count := accounts.at(place))
    ]
    if staged:
        beside.append(f"{figures.grouped(staged)} at the script")
    total = f"received {figures.grouped(accounts.received)}"
    line = f"{total} = {' '.join(parts)} ✓" if parts else total
    return " · ".join((line, *beside))


def receiver_lines(
    receivers: Sequence[ReceiverStatus], opened: Sequence[Transfer]
) -> list[tuple[Piece, ...]]:
    """Show each receiver: whether it listens, where, and how many associations it has open."""
    lines: list[tuple[Piece, ...]] = []
    for one in receivers:
        count = sum((each.receiver, each.port) == (one.ae_title, one.port) for each in opened)
        if one.listening:
            sign, tone, says = "●", "good", f"{count} open" if count else "listens"
        elif one.enabled:
            sign, tone, says = "✗", "bad", "not up"
        else:
            sign, tone, says = "○", "muted", "stopped"
        name = f" {one.ae_title:<13.13} {one.port:>5}  {says}"
        lines.append(((sign, tone), (name, "plain" if one.listening else "muted")))
        if one.note:
            lines.append(((f"  {one.note}", "look"),))
    return lines or [(("no receiver", "look"),)]


def sender_lines(
    transfers: Sequence[Transfer],
    now: datetime,
    senders: Sequence[SenderSeen] = (),
    room: int = ROOM,
) -> list[tuple[Piece, ...]]:
    """Show who is sending, by name, so that they stand still; then who sent last, the newest first;
    in `room` lines. `senders` are those of the last weeks, whose transfers may have been long ago.
    """
    seen: dict[str, tuple[datetime, bool]] = {}
    for sender in senders:
        before, _ = seen.get(sender.calling, (sender.last, False))
        seen[sender.calling] = (max(before, sender.last), False)
    shown: dict[str, str] = {}
    """Whom the certificates of those that are sending name."""
    for one in transfers:
        if one.closed is None and one.certificate:
            shown.setdefault(one.calling, one.certificate)
        last, is_open = seen.get(one.calling, (one.opened, False))
        now_last = max(last, one.last_object or one.opened)
        seen[one.calling] = (now_last, is_open or one.closed is None)
    sending = sorted(calling for calling, (_, is_open) in seen.items() if is_open)
    others = sorted(set(seen) - set(sending), key=lambda calling: seen[calling][0], reverse=True)
    blocks: list[list[tuple[Piece, ...]]] = []
    for calling in (*sending, *others):
        last, is_open = seen[calling]
        sign: Piece = ("●", "good") if is_open else ("·", "muted")
        blocks.append([(sign, (f" {calling:<16.16} {figures.age(now, last):>4}", "plain"))])
        if calling in shown:
            blocks[-1].append(((f"  certificate: {shown[calling]}", "muted"),))
    return _fitting(blocks, room)


def _fitting(blocks: Sequence[Sequence[tuple[Piece, ...]]], room: int) -> list[tuple[Piece, ...]]:
    """Put as many blocks into the room as fit whole, and say how many do not."""
    if sum(map(len, blocks)) <= room:
        return [line for block in blocks for line in block]
    lines: list[tuple[Piece, ...]] = []
    for place, block in enumerate(blocks):
        if len(lines) + len(block) >= room:
            return [*lines, ((f"and {len(blocks) - place} more", "muted"),)]
        lines += block
    return lines


def _builds(arrival: Arrival, now: datetime, build_after: float) -> str:
    lacks = _lacks(arrival.session) if arrival.session is not None else ""
    if not build_after:
        return lacks or "waits for more"
    left = int(build_after - (now - arrival.last).total_seconds())
    when = f"in {_seconds(left)}" if left > 0 else "soon"
    # As short as this both are seen whole in a terminal of 120 columns.
    return f"{when}: {lacks}" if lacks else f"builds {when}"


def _lacks(session: PrearchiveSession) -> str:
    """Say whether anything is missing; nothing where that is not known."""
    if session.missing is None or not session.arriving:
        return ""
    return f"lacks {figures.grouped(session.missing)}" if session.missing else "no gaps"


def _series(session: PrearchiveSession) -> str:
    """Say how many series a session has: as it was built, or as they have been seen until then."""
    return str(session.scans or session.arriving or "")


def _seconds(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} m"


def _minute(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M")


def _holds(row: Row, condition: Condition) -> bool:
    shown = row.cells[_PLACES[condition.field]].lower()
    found = condition.comparison is Comparison.IS and condition.value.lower() in shown
    return found is not condition.negated
