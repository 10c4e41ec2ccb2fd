# SPDX-License-Identifier: Apache-2.0
"""How the engine itself is shown: its checks, receivers and jobs as rows and details, and the key
figures above them. Pure: the time of day is an argument, and nothing here asks the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.views import figures, glyphs, remotes
from console.views.rows import Piece, Row, TableColumn
from console.views.status import StatusView
from engine.model.archive import OnScriptError
from engine.model.health import Check, Finding
from engine.model.live import EngineStatus, Job, ReceiverStatus, Transfer
from engine.model.remotes import Send, SendState
from engine.model.states import Status

CHECK_COLUMNS = (
    TableColumn(title="Check", width=20),
    TableColumn(title="Found", width=30, grows=True),
)
RECEIVER_COLUMNS = (
    TableColumn(title="AE title", width=18, grows=True),
    TableColumn(title="Port", width=5, right=True),
    TableColumn(title="State", width=7),
    TableColumn(title="Open", width=6, right=True, live=True, priority=1),
    TableColumn(title="Anon", width=4, priority=2),
    TableColumn(title="Rules", width=5, priority=3),
    TableColumn(title="Allow-list", width=11, priority=4),
    TableColumn(title="TLS", width=4, priority=5),
)
JOB_COLUMNS = (
    TableColumn(title="Status", width=11),
    TableColumn(title="Verb", width=8),
    TableColumn(title="Session", width=12),
    TableColumn(title="Queued", width=6, right=True, priority=2),
    TableColumn(title="Changed", width=7, right=True, priority=1),
    TableColumn(title="What", width=10, grows=True, priority=3),
)

_FINDINGS = {
    Finding.FAILED: ("✗", "bad", "failed"),
    Finding.LOOK: ("!", "look", "look at it"),
    Finding.GOOD: ("✓", "good", "good"),
}
_JOBS = {
    "queued": ("◌", "plain"),
    "running": ("◑", "plain"),
    "done": ("✓", "good"),
    "failed": ("✗", "bad"),
    "cancelled": ("○", "dim"),
}
UNFINISHED = frozenset({"queued", "running"})
_OF_SENDS = {
    SendState.QUEUED: "queued",
    SendState.SENDING: "running",
    SendState.WAITING: "queued",
    SendState.DONE: "done",
    SendState.FAILED: "failed",
    SendState.CANCELLED: "cancelled",
}
AGAIN = frozenset({"failed", "cancelled"})
"""Jobs that can be tried once more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A few facts under one name; the first is the one for small terminals."""

    name: str
    lines: tuple[Piece, ...]


_SOON_FULL = 72 * 3600
"""Seconds in which a disk that will be full is told of."""


def check_row(check: Check) -> Row:
    """Show one check."""
    sign, tone, _ = _FINDINGS[check.finding]
    return Row(
        key=check.name,
        tone=tone,
        cells=(f"{sign} {check.name}", check.found),
        tones=((1, "plain" if check.finding is not Finding.GOOD else "dim"),),
    )


def check_card(check: Check) -> list[tuple[str, str]]:
    """Say what a check found, what comes of it and what to do."""
    sign, _, word = _FINDINGS[check.finding]
    lines = [("State", f"{sign} {word}"), ("", ""), ("", check.found)]
    if check.consequence:
        lines += [("", ""), ("Then", check.consequence)]
    if check.remedy:
        lines += [("", ""), ("What to do", "")]
        lines += [("", f" {place}  {step}") for place, step in enumerate(check.remedy, start=1)]
    elif check.finding is Finding.GOOD:
        lines += [("", ""), ("", "Nothing is to be done.")]
    return lines


def findings(checks: Sequence[Check]) -> Piece:
    """Say how the checks ended."""
    failed = sum(one.finding is Finding.FAILED for one in checks)
    look = sum(one.finding is Finding.LOOK for one in checks)
    if failed:
        return f"{failed} failed, {look} to look at", "bad"
    if look:
        return f"{look} to look at", "look"
    return ("all is well" if checks else "nothing was looked at yet"), "good" if checks else "muted"


def receiver_key(receiver: ReceiverStatus) -> str:
    """Return the key of a receiver's row."""
    return f"{receiver.port} {receiver.ae_title}"


def receiver_state(receiver: ReceiverStatus) -> tuple[str, str, str]:
    """Return the sign, the word and the tone of a receiver's state."""
    if receiver.listening:
        return "●", "up", "good"
    return ("✗", "fault", "bad") if receiver.enabled else ("○", "stopped", "dim")


def open_at(transfers: Sequence[Transfer], receiver: ReceiverStatus) -> int:
    """Count the associations that a receiver has open."""
    return sum(
        one.closed is None and (one.receiver, one.port) == (receiver.ae_title, receiver.port)
        for one in transfers
    )


def receiver_row(receiver: ReceiverStatus, opened: int) -> Row:
    """Show one receiver."""
    sign, word, tone = receiver_state(receiver)
    allowed = figures.plural(len(receiver.allow), "entry", "entries")
    return Row(
        key=receiver_key(receiver),
        tone=tone,
        cells=(
            f"{sign} {receiver.ae_title}",
            str(receiver.port),
            word,
            str(opened) if receiver.listening else "–",
            "on" if receiver.anonymize else "off",
            "own" if receiver.rules_enabled else "site",
            allowed if receiver.allow_enabled else "off",
            "on" if receiver.tls else "off",
        ),
        tones=((2, tone),),
    )


def receiver_card(receiver: ReceiverStatus, opened: int) -> list[tuple[str, str]]:
    """Say all of a receiver."""
    sign, word, _ = receiver_state(receiver)
    lines = [("State", f"{sign} {word}, {figures.plural(opened, 'association')} open")]
    if receiver.note:
        lines.append(("Fault", receiver.note))
    refuses = receiver.script_error is OnScriptError.REFUSE
    on = "on, and an object on which a script fails is refused" if refuses else "on"
    anonymize = on if receiver.anonymize else "off: no script is applied to what it receives"
    rules = "its own before those of the site" if receiver.rules_enabled else "those of the site"
    allowed = ", ".join(receiver.allow) or "empty"
    lines += [
        ("Port", str(receiver.port)),
        ("Anonymize", anonymize),
        ("Rules", rules),
        ("Allowed", allowed if receiver.allow_enabled else "everybody: the allow-list is off"),
        *_limits(receiver),
        ("TLS", _tls(receiver)),
        ("From", "the settings file" if receiver.origin == "settings" else "added here"),
    ]
    return lines


def _tls(receiver: ReceiverStatus) -> str:
    """Say whether connections are encrypted, and who has to have a certificate."""
    if not receiver.tls:
        return "off: connections are not encrypted"
    ends = receiver.certificate_ends
    until = f"; the certificate ends on {ends:%Y-%m-%d}" if ends is not None else ""
    revoked = "; a revocation list is looked at" if receiver.crl else ""
    return f"on{until}; client certificates: {receiver.client_certificates}{revoked}"


def _limits(receiver: ReceiverStatus) -> list[tuple[str, str]]:
    """Say what a receiver has of its own."""
    associations = figures.plural(receiver.max_associations, "association")
    most = [f"{associations} at once"] if receiver.max_associations else []
    most += [f"{receiver.max_per_peer} of one address"] if receiver.max_per_peer else []
    most += [f"PDUs of {receiver.max_pdu} bytes"] if receiver.max_pdu else []
    most += [f"{receiver.idle_timeout:g} s of silence"] if receiver.idle_timeout else []
    lines = [("At most", ", ".join(most))] if most else []
    if receiver.transfer_syntaxes:
        lines.append(("Prefers", ", ".join(receiver.transfer_syntaxes)))
    if receiver.storage_classes:
        lines.append(("Also", ", ".join(receiver.storage_classes)))
    if receiver.file_name_template:
        lines.append(("Files", receiver.file_name_template))
    if receiver.durability is not None:
        lines.append(("Durable", receiver.durability.value))
    if receiver.account:
        lines.append(("Account", receiver.account))
    return lines


def receivers_said(receivers: Sequence[ReceiverStatus]) -> Piece:
    """Say how many receivers are up, stopped or faulty."""
    words = [receiver_state(one)[1] for one in receivers]
    said = [f"{words.count(word)} {word}" for word in ("up", "fault", "stopped") if word in words]
    tone = "bad" if "fault" in words or "up" not in words else "good"
    return (", ".join(said) or "no receiver"), tone


def job_row(job: Job, now: datetime, send: Send | None = None) -> Row:
    """Show one job; of one that sends, the send."""
    if send is not None:
        return _send_row(job, now, send)
    sign, tone = _JOBS.get(job.status, ("·", "plain"))
    return Row(
        key=job.id,
        tone=tone,
        cells=(
            f"{sign} {job.status}",
            job.verb,
            job.session,
            figures.age(now, job.queued) if job.queued else "–",
            figures.age(now, job.updated) if job.updated else "–",
            job.error,
        ),
        tones=((5, "bad"),),
    )


def _send_row(job: Job, now: datetime, send: Send) -> Row:
    status, tone = remotes.send_status(send)
    changed = figures.age(now, remotes.changed_at(send))
    cells = (status, job.verb, send.session, figures.age(now, send.queued), changed)
    said_tone = tone if tone in ("bad", "look") else "plain"
    return Row(
        key=job.id, tone=tone, cells=(*cells, remotes.send_said(send)), tones=((5, said_tone),)
    )


def job_card(job: Job) -> list[tuple[str, str]]:
    """Say all of a job."""
    sign, _ = _JOBS.get(job.status, ("·", "plain"))
    lines = [
        ("Status", f"{sign} {job.status}"),
        ("Verb", job.verb),
        ("Session", job.session),
        ("Queued", figures.moment(job.queued) or "–"),
        ("Changed", figures.moment(job.updated) or "–"),
        ("Id", job.id),
    ]
    return [*lines, ("", ""), ("Error", job.error)] if job.error else lines


def why_no_retry(job: Job) -> str:
    """Say why a job cannot be tried again; empty where it can."""
    return "" if job.status in AGAIN else f"the job is {job.status}: there is nothing to retry"


def why_no_cancel(job: Job) -> str:
    """Say why a job cannot be cancelled; empty where it can."""
    if job.status == "queued":
        return ""
    return f"the job is {job.status}: only queued jobs can be cancelled"


def _left(status: EngineStatus, free: str) -> tuple[Piece, ...]:
    """Say how much room is left, and for how long where that is not long."""
    if status.disk_keep and status.disk_free < status.disk_keep:
        return (f"{free} free", "bad"), ("senders are refused", "bad")
    seconds = status.disk_full_in
    if seconds is None or seconds > _SOON_FULL:
        return ((f"{free} free", "plain"),)
    hours = int(seconds // 3600)
    when = figures.plural(hours, "hour") if hours else "less than an hour"
    return (f"{free} free", "plain"), (f"full in {when}", "look")


def tiles(
    view: StatusView, jobs: Sequence[Job], now: datetime, sends: Sequence[Send] = ()
) -> tuple[Tile, ...]:
    """Return the facts above the tabs, as far as the engine has told them; a job that sends stands
    as its send does."""
    status = view.status
    if status is None or view.lost:
        waiting: Piece = (view.lost or "asking the engine …", "bad" if view.lost else "muted")
        return tuple(Tile(name=name, lines=(waiting,)) for name in TILES)
    said, tone = receivers_said(status.receivers)
    rate = figures.rate(view.rate(now)) or "0"
    used, free = view.disk_used, figures.size(status.disk_free)
    waits = sum(status.sessions.values())
    states = {one.id: _OF_SENDS[one.state] for one in sends}
    standing = [replace(one, status=states.get(one.session, one.status)) for one in jobs]
    trouble = [
        f"{status.sessions[one.value]} {one.value.lower()}"
        for one in (Status.CONFLICT, Status.ERROR)
        if status.sessions.get(one.value)
    ]
    return (
        Tile(
            name=TILES[0],
            lines=(
                (said, tone),
                (f"{status.associations} open · {rate} img/s", "plain"),
                (f"{glyphs.sparkline(view.history(), 16)}", "accent"),
                (f"engine up {figures.age(now, status.started)}", "muted"),
            ),
        ),
        Tile(
            name=TILES[1],
            lines=(
                (
                    f"{glyphs.meter(used, 9)} {used:.0%} of {figures.size(status.disk_total)}",
                    "bad" if used > 0.9 else "plain",
                ),
                *_left(status, free),
            ),
        ),
        Tile(
            name=TILES[2],
            lines=(
                (f"{figures.grouped(waits)} in the prearchive", "plain"),
                (", ".join(trouble) or "none in conflict or error", "look" if trouble else "muted"),
                (f"{figures.grouped(status.archived)} archived", "plain"),
            ),
        ),
        Tile(name=TILES[3], lines=_jobs_said(standing, status.unfinished_jobs, now)),
    )


TILES = ("Receivers", "Disk", "Sessions", "Jobs")


def _jobs_said(jobs: Sequence[Job], unfinished: int, now: datetime) -> tuple[Piece, ...]:
    running = sum(one.status == "running" for one in jobs)
    failed = sum(one.status == "failed" for one in jobs)
    waiting = [one.queued for one in jobs if one.status in UNFINISHED and one.queued]
    oldest = f"oldest {figures.age(now, min(waiting))}" if waiting else "nothing waits"
    said = f"{failed} of the last {len(jobs)} failed" if jobs else "there was none yet"
    return (
        (f"{unfinished} unfinished, {running} at work", "plain"),
        (oldest, "muted"),
        (said, "look" if failed else "muted"),
    )
