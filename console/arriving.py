"""What the live screen shows of transfers and sessions, as rows of text. Pure: the time of day is
an argument, and nothing here knows a widget's state."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.widgets.table import Row, TableColumn
from engine.model.accounts import Accounts
from engine.model.live import EngineStatus, Transfer
from engine.model.prearchive import PrearchiveSession
from engine.model.states import QUEUED, WORKING, Status

SILENT = timedelta(seconds=10)
"""An open association that brings nothing for so long is stalled."""

LINGERS = timedelta(minutes=10)
"""How long a transfer stays on show once it has ended."""

RELEASED = "released"
"""How a transfer ends when its sender has nothing more to say."""

MASK = "▒▒▒▒▒▒"

TRANSFER_COLUMNS = (
    TableColumn(title="State", width=11),
    TableColumn(title="From", width=12),
    TableColumn(title="To", width=10, priority=3),
    TableColumn(title="Peer", width=15, priority=4),
    TableColumn(title="Series or end", width=16, grows=True, priority=1),
    TableColumn(title="Objects", width=8, right=True),
    TableColumn(title="Size", width=7, right=True, priority=2),
    TableColumn(title="Last", width=5, right=True),
)
SESSION_COLUMNS = (
    TableColumn(title="Status", width=14),
    TableColumn(title="Project", width=10),
    TableColumn(title="Subject", width=12, priority=1),
    TableColumn(title="Session", width=14, grows=True),
    TableColumn(title="From", width=10, priority=3),
    TableColumn(title="Scans", width=5, right=True, priority=4),
    TableColumn(title="Objects", width=8, right=True),
    TableColumn(title="Size", width=7, right=True, priority=2),
    TableColumn(title="Last", width=5, right=True),
)

_SHOWN = {
    Status.RECEIVING: ("◐ receiving", "plain"),
    Status.RECEIVING_INTERRUPT: ("◐ receiving", "plain"),
    Status.READY: ("● ready", "good"),
    Status.CONFLICT: ("≠ conflict", "look"),
    Status.ERROR: ("✗ error", "bad"),
}


def transfers_on_show(transfers: tuple[Transfer, ...], now: datetime) -> list[Transfer]:
    """Give those that are open or ended a short while ago: open ones first, newest first.

    Not by the last object: rows that change places with each object are repainted and not read.
    """
    shown = [one for one in transfers if one.closed is None or now - one.closed < LINGERS]
    return sorted(shown, key=lambda one: (one.closed is None, one.opened), reverse=True)


def transfer_row(transfer: Transfer, now: datetime) -> Row:
    """Show one transfer."""
    state, tone = _transfer_state(transfer, now)
    said = transfer.ended if transfer.ended not in ("", RELEASED) else transfer.series
    return Row(
        key=transfer.id,
        tone=tone,
        cells=(
            state,
            transfer.calling,
            transfer.receiver,
            transfer.peer,
            transfer.last_error or said,
            grouped(transfer.objects),
            size(transfer.bytes),
            age(now, transfer.last_object or transfer.opened),
        ),
    )


def session_row(session: PrearchiveSession, now: datetime, *, masked: bool) -> Row:
    """Show one session; labels of people are masked for those who only watch."""
    state, tone = _session_state(session)
    return Row(
        key=session.id,
        tone=tone,
        cells=(
            state,
            session.project or "Unassigned",
            MASK if masked else session.subject or "",
            MASK if masked else session.label,
            session.calling,
            str(session.scans),
            grouped(session.objects),
            size(session.bytes),
            age(now, session.last_object),
        ),
    )


def accounts_line(accounts: Accounts) -> str:
    """Say what was received and where it is."""
    parts = [f"{grouped(count)} {place}" for place, count in accounts.counts.items() if count]
    return f"received {grouped(accounts.received)}" + (f" = {' '.join(parts)}" if parts else "")


def engine_line(status: EngineStatus) -> str:
    """Say who listens where, and how full the disk is."""
    listening = [f"{one.ae_title}:{one.port}" for one in status.receivers if one.listening]
    used = 100 - 100 * status.disk_free // status.disk_total if status.disk_total else 0
    receivers = f"● {' '.join(listening)}" if listening else "! no receiver listens"
    return f"{receivers}  {status.associations} in  disk {used}%"


def age(now: datetime, then: datetime) -> str:
    """Say how long ago something was, in at most four characters."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def grouped(number: int) -> str:
    """Write a number with a thin gap between thousands."""
    return f"{number:,}".replace(",", " ")


def size(number: int) -> str:
    """Write a number of bytes in at most six characters."""
    amount = float(number)
    for unit in ("B", "K", "M", "G"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.0f} T"


def _transfer_state(transfer: Transfer, now: datetime) -> tuple[str, str]:
    if transfer.closed is None:
        silent = now - (transfer.last_object or transfer.opened) >= SILENT
        return ("! stalled", "look") if silent else ("● live", "good")
    if transfer.last_error or transfer.ended not in ("", RELEASED):
        return "✗ ended", "bad"
    return "✓ done", "dim"


def _session_state(session: PrearchiveSession) -> tuple[str, str]:
    status = session.status
    if status in _SHOWN and not session.locked:
        return _SHOWN[status]
    words = status.value.lower()
    if status in QUEUED:
        return f"◌ q.{words.removeprefix('queued_')}", "plain"
    return (f"◑ {words}" if status in WORKING else f"▪ {words}"), "plain"
