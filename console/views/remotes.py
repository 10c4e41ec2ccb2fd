# SPDX-License-Identifier: Apache-2.0
"""How remote AEs and what is sent to them are shown, and the questions about them with the
equivalent commands. Pure; the engine decides what is allowed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.views import figures
from console.views.project_settings import names
from console.views.question import (
    UNCHANGED,
    YES_NO,
    Answers,
    Field,
    Question,
    differing,
    edit_command,
    reason,
    yes_no,
)
from console.views.rows import Row
from engine.model.remotes import UNFINISHED, Remote, Send, SendState

Cells = tuple[str, ...]

HEADING = "remotes"
"""The key of the row above the remotes."""

TITLES = ("Remote AEs", "Port", "Echo", "Took", "", "Asked", "Host", "TLS")
"""What stands in that row; the fifth of the receivers' columns is of no use to remotes."""

_FLAGS = ("enabled", "tls")
_SETTINGS = {
    "ae_title": "AE title",
    "host": "Host",
    "port": "Port",
    "calling": "We call as",
    "description": "Description",
    "enabled": "Enabled",
}
_LIMITS = {
    "connect_timeout": "Connect, s",
    "answer_timeout": "Answer, s",
    "max_pdu": "Largest PDU, bytes",
}
_TLS = {
    "tls": "TLS",
    "ca": "CA of the remote",
    "tls_name": "Certified name",
    "certificate": "Our certificate",
    "key": "Our key",
}
_NEEDED = ("name", "ae_title", "host", "port")
_STATES = {
    SendState.QUEUED: ("◌", "plain"),
    SendState.SENDING: ("◑", "plain"),
    SendState.WAITING: ("!", "look"),
    SendState.DONE: ("✓", "good"),
    SendState.FAILED: ("✗", "bad"),
    SendState.CANCELLED: ("○", "dim"),
}
_SHOWN_FAILURES = 8
_SHOWN_UID = 20
"""Characters, the last of a UID, by which an object is told from others of its session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sendable:
    """A session that can be sent, as the user may see it named."""

    id: str
    shown: str


def remote_key(name: str) -> str:
    """Return the key of a remote's row."""
    return f"remote {name}"


def remote_rows(remotes: Sequence[Remote]) -> list[Row]:
    """Show the remotes below their heading, which has their titles: the columns are those of the
    receivers."""
    none = ("Remote AEs: n adds one", *("" for _ in TITLES[1:]))
    heading = Row(key=HEADING, tone="dim", cells=TITLES if remotes else none)
    return [heading, *map(remote_row, remotes)]


def exported(remotes: Sequence[Remote]) -> tuple[Cells, list[Cells]]:
    """Return titles and rows of the remotes for a file, as they are shown."""
    kept = [place for place, title in enumerate(TITLES) if title]
    rows = [TITLES, *(remote_row(one).cells for one in remotes)]
    titles, *others = (tuple(cells[place] for place in kept) for cells in rows)
    return titles, others


def remote_row(remote: Remote) -> Row:
    """Show one remote, in the columns of the receivers."""
    echo = remote.last_echo
    sign, tone = ("●", "good") if echo is not None and echo.ok else ("·", "plain")
    word, took, at = "–", "", ""
    if echo is not None:
        word = f"echo {'✓' if echo.ok else '✗'}"
        took = figures.took(echo.milliseconds) if echo.ok else ""
        at = f"{echo.at.astimezone():%H:%M}"
        if not echo.ok:
            sign, tone = "✗", "bad"
    if not remote.enabled:
        sign, tone, word = "○", "dim", "off"
    cells = (f"{sign} {remote.name}", str(remote.port), word, took, "", at, remote.host)
    tls = "on" if remote.tls else "off"
    return Row(key=remote_key(remote.name), tone=tone, cells=(*cells, tls), tones=((2, tone),))


def remote_card(remote: Remote) -> list[tuple[str, str]]:
    """Say all of a remote."""
    echo = remote.last_echo
    answered = "nobody has asked yet: t does"
    if echo is not None:
        answered = f"in {figures.took(echo.milliseconds)}" if echo.ok else f"no: {echo.reason}"
        answered += f" ({figures.moment(echo.at)})"
    lines = [
        ("State", "enabled" if remote.enabled else "disabled: nothing is sent there"),
        ("Answered", answered),
        ("Calls", f"{remote.ae_title} at {remote.host}, port {remote.port}"),
        ("As", remote.calling or "the AE title of the settings file"),
        ("TLS", _secured(remote)),
        (
            "Waits",
            f"{remote.connect_timeout:g} s to connect, {remote.answer_timeout:g} s to answer",
        ),
    ]
    if remote.max_pdu:
        lines.append(("At most", f"PDUs of {remote.max_pdu} bytes"))
    return [*lines, ("About", remote.description)] if remote.description else lines


def remotes_said(remotes: Sequence[Remote]) -> str:
    """Say how many remotes there are, and how many did not answer."""
    silent = sum(one.last_echo is not None and not one.last_echo.ok for one in remotes)
    said = figures.plural(len(remotes), "remote")
    return f"{said}, {silent} without an answer" if silent else said


def new_question() -> Question:
    """Ask for a new remote."""
    return Question(
        title="New remote AE",
        act="Add",
        says=("Sessions can be sent there at once; t asks it for an echo.",),
        fields=(
            Field(name="name", label="Name", needed=True, hint="e.g. PACS1; stays"),
            Field(name="ae_title", label=_SETTINGS["ae_title"], needed=True),
            Field(name="host", label="Host", needed=True, hint="name or address"),
            Field(name="port", label="Port", needed=True, value="104"),
        ),
        command=_add_command,
        fault=_wrong,
    )


def question(remote: Remote) -> Question:
    """Ask for other values of a remote."""
    return _asked(remote, f"Remote {remote.name}", _SETTINGS, ("Empty, we call as: our own.",))


def limits_question(remote: Remote) -> Question:
    """Ask for other limits of a remote."""
    says = ("0 bytes: what the settings file says.",)
    return _asked(remote, f"Limits of {remote.name}", _LIMITS, says)


def tls_question(remote: Remote) -> Question:
    """Ask for other TLS settings of a remote."""
    says = (
        "Whole paths of PEM files; without a CA those of this machine are trusted.",
        "Certified name: that of its certificate, where that is not the host.",
        "Our own certificate is for remotes that ask for one.",
    )
    return _asked(remote, f"TLS of {remote.name}", _TLS, says)


def delete_question(remote: Remote) -> Question:
    """Ask before a remote is deleted."""
    return Question(
        title=f"Delete {remote.name}?",
        act="Delete it",
        keep="Keep it",
        rows=(f"{remote.name}   {remote.ae_title} at {remote.host}, port {remote.port}",),
        says=("What is being sent there fails; what has arrived stays there.",),
        danger=True,
        command=lambda _given: shlex.join(["anteroom", "remote", "delete", remote.name]),
    )


def send_question(
    sessions: Sequence[Sendable],
    remotes: Sequence[Remote],
    scan: str = "",
    left_out: Sequence[str] = (),
) -> Question:
    """Ask where sessions are to go; `scan` is the one under the cursor, and `left_out` says what
    does not go."""
    what = figures.plural(len(sessions), "session")
    possible = [one.name for one in remotes if one.enabled]
    only = possible[0] if len(possible) == 1 else ""
    fields = [
        Field(
            name="remote",
            label="Remote",
            value=only,
            needed=True,
            choices=tuple(possible),
            hint=", ".join(possible[:4]) + (" …" if len(possible) > 4 else ""),
        )
    ]
    if len(sessions) == 1:
        hint = f"e.g. {scan}; empty: all" if scan else "with commas; empty: all"
        fields.append(Field(name="scans", label="Scans", hint=hint))
    fields.append(reason(needed=False))

    def fault(given: Answers) -> str:
        name = given.get("remote", "")
        return "" if name in possible else f"there is no enabled remote {name}".rstrip()

    return Question(
        title=f"Send {what} to a remote",
        act=f"Send {len(sessions)}",
        rows=tuple(one.shown for one in sessions),
        says=(
            "Files go as they are, nothing is decompressed; no session changes.",
            "What has arrived there cannot be taken back.",
            *left_out,
        ),
        fields=tuple(fields),
        command=lambda given: send_command([one.id for one in sessions], given),
        fault=fault,
    )


def send_command(ids: Sequence[str], given: Answers) -> str:
    """Return the command that sends."""
    words = ["anteroom", "remote", "send", given.get("remote") or "REMOTE", *ids]
    for scan in names(given.get("scans", "")):
        words += ["--scan", scan]
    if given.get("reason"):
        words += ["--reason", given["reason"]]
    return shlex.join(words)


def changes(remote: Remote, given: Answers) -> dict[str, str]:
    """Return what differs, as the engine takes it."""
    return differing(values(remote), given, _FLAGS)


def values(remote: Remote) -> dict[str, str]:
    """Return the values of a remote as they are typed."""
    texts = {}
    for name in (*_SETTINGS, *_LIMITS, *_TLS):
        value = getattr(remote, name)
        if isinstance(value, bool):
            texts[name] = yes_no(value)
        else:
            texts[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return texts


def send_status(send: Send) -> tuple[str, str]:
    """Return what a send is doing, and its tone."""
    sign, tone = _STATES[send.state]
    return f"{sign} {send.state.value}", tone


def send_said(send: Send) -> str:
    """Say in a row where a send goes and how far it is."""
    far = f"{send.sent} of {send.objects}" if send.objects else "not begun"
    failed = f", {send.failed} failed" if send.failed else ""
    why = f": {send.reason}" if send.reason else ""
    return f"{send.remote} {far}{failed}{why}"


def send_card(send: Send) -> list[tuple[str, str]]:
    """Say all of a send."""
    status, _ = send_status(send)
    of = f" of {figures.grouped(send.objects)}" if send.objects else ""
    lines = [
        ("Status", status),
        ("Remote", send.remote),
        ("Session", send.session),
        ("Scans", ", ".join(send.scans) or "all"),
        ("Sent", f"{figures.grouped(send.sent)}{of}, {figures.size(send.sent_bytes)}"),
        ("Warnings", figures.grouped(send.warnings) if send.warnings else ""),
        ("Failed", figures.grouped(send.failed) if send.failed else ""),
        ("Statuses", ", ".join(f"{name} {many}" for name, many in sorted(send.statuses.items()))),
        ("Tries", str(send.tries) if send.tries else ""),
        ("Next try", figures.moment(send.next_try) if send.next_try else ""),
        ("By", send.actor),
        ("Queued", figures.moment(send.queued)),
        ("Ended", figures.moment(send.ended) if send.ended else ""),
        ("Id", send.id),
        ("Reason", send.reason),
    ]
    lines = [(name, text) for name, text in lines if text]
    for place, one in enumerate(send.failures[:_SHOWN_FAILURES], start=1):
        named = one.file if send.filed else _object(one.uid, place)
        lines += [("", ""), (one.status or "–", named), ("", one.reason)]
    if (more := len(send.failures) - _SHOWN_FAILURES) > 0:
        lines += [("", ""), ("", f"and {more} more: anteroom remote sends {send.id}")]
    return lines


def _object(uid: str, place: int) -> str:
    """Name an object of a session that waits: whether that belongs to a project is not known here,
    and the names of its files may hold whose they are."""
    if not uid:
        return f"object {place} of these"
    return uid if len(uid) <= _SHOWN_UID else f"…{uid[-_SHOWN_UID:]}"


def why_not_cancelled(send: Send) -> str:
    """Say why a send cannot be cancelled; empty where it can."""
    return "" if send.state in UNFINISHED else f"it is {send.state.value}: nothing to cancel"


def changed_at(send: Send) -> datetime:
    """Return when a send began or ended, or else when it was queued."""
    return send.ended or send.began or send.queued


def _asked(remote: Remote, title: str, fields: dict[str, str], says: tuple[str, ...]) -> Question:
    now = values(remote)

    def wrong(given: Answers) -> str:
        return _wrong(given) or ("" if changes(remote, given) else UNCHANGED)

    return Question(
        title=title,
        act="Change it",
        says=says,
        fields=tuple(
            Field(
                name=name,
                label=label,
                value=now[name],
                needed=name in _NEEDED,
                choices=YES_NO if name in _FLAGS else (),
            )
            for name, label in fields.items()
        ),
        command=lambda given: edit_command(("remote", "edit", remote.name), changes(remote, given)),
        fault=wrong,
    )


def _add_command(given: Answers) -> str:
    shown = {"name": "NAME", "ae_title": "AE", "host": "HOST", "port": "PORT"}
    words = [given.get(name) or word for name, word in shown.items()]
    return shlex.join(["anteroom", "remote", "add", *words])


def _wrong(given: Answers) -> str:
    if "port" in given and not given["port"].isdecimal():
        return "the port is a number"
    for name in _FLAGS:
        if name in given and given[name] not in YES_NO:
            return f"{(_SETTINGS | _TLS)[name]}: yes or no"
    return ""


def _secured(remote: Remote) -> str:
    if not remote.tls:
        return "off: connections are not encrypted"
    own = ", with our certificate" if remote.certificate else ""
    return f"on, by {remote.ca or 'the CAs of this machine'}{own}"
