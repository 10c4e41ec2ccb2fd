# SPDX-License-Identifier: Apache-2.0
"""The ledger on the screen: groups, what is in one, the accounts of the senders, the card that says
what a group is and what can be done about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from console.views import figures
from console.views.question import Option
from console.views.rows import Piece, Row, TableColumn
from engine.model.accounts import BESIDE, Place
from engine.model.contents import FoldedHeader, HeaderRow, RowKind
from engine.model.held import HeldDetail
from engine.model.ledger import DayAccounts, GroupBy, HeldEntry, LedgerGroup, SenderAccounts
from engine.model.live import LedgerEntry
from engine.model.scripts import project_scope

_SIGNS = {
    "held": ("✗", "bad"),
    "failed": ("✗", "bad"),
    "refused": ("!", "look"),
    "conflict": ("≠", "look"),
    "duplicate": ("≡", "plain"),
    "filtered": ("○", "plain"),
    "rejected": ("○", "plain"),
    "deleted": ("†", "plain"),
    "replaced": ("≡", "plain"),
}
_OTHER = ("!", "look")

GROUPS = {
    GroupBy.REASON: (
        TableColumn(title="Outcome", width=11),
        TableColumn(title="Reason", width=16, grows=True),
        TableColumn(title="Rule", width=12, priority=1),
        TableColumn(title="From", width=9, priority=2),
    ),
    GroupBy.SENDER: (TableColumn(title="From", width=16, grows=True),),
    GroupBy.PROJECT: (
        TableColumn(title="Project", width=16, grows=True),
        TableColumn(title="From", width=9, priority=2),
    ),
    GroupBy.DAY: (
        TableColumn(title="Day", width=16, grows=True),
        TableColumn(title="From", width=9, priority=2),
    ),
}
_COUNTS = (
    TableColumn(title="Objects", width=7, right=True),
    TableColumn(title="Held", width=5, right=True),
    TableColumn(title="Last", width=4, right=True),
)

ENTRIES = (
    TableColumn(title="When", width=14),
    TableColumn(title="Objects", width=7, right=True),
    TableColumn(title="What", width=16, grows=True),
    TableColumn(title="From", width=20, priority=1),
    TableColumn(title="Size", width=6, right=True, priority=2),
    TableColumn(title="Held", width=4),
)

_PLACES = {
    Place.WAITING: "waiting",
    Place.HELD: "held",
    Place.ARCHIVED: "archived",
    Place.DUPLICATE: "dupl.",
    Place.FILTERED: "filt.",
    Place.REJECTED: "rej.",
    Place.DELETED: "deleted",
    Place.REPLACED: "repl.",
}
ACCOUNTS = (
    TableColumn(title="Accounts", width=10, grows=True),
    TableColumn(title="came", width=7, right=True),
    *(
        TableColumn(title=title, width=max(5, len(title)), right=True, priority=number)
        for number, title in enumerate(_PLACES.values(), 1)
    ),
    TableColumn(title="", width=1),
)

EXPORTED = (
    *("by", "outcome", "reason", "rule", "from", "project", "day"),
    *("objects", "held", "lines", "senders", "first", "last"),
)

NO_PROJECT = "for no session that waits in a project"
_NOBODY = "(no name)"

CHOICES = (
    Option(key="by:reason", title="by reason", detail="and rule: what happened, and why"),
    Option(key="by:sender", title="by sender", detail="which device has trouble"),
    Option(key="by:project", title="by project", detail="of sessions that still wait"),
    Option(key="by:day", title="by day", detail="when it was counted last"),
    Option(key="days:1", title="today", detail="and whatever is held, however old it is"),
    Option(key="days:7", title="7 days", detail="today among them"),
    Option(key="days:30", title="30 days", detail="today among them"),
    Option(key="days:0", title="all", detail="all that is kept; it takes longer"),
)


def columns(by: GroupBy) -> tuple[TableColumn, ...]:
    """Return the columns of groups."""
    return (*GROUPS[by], *_COUNTS)


def key_of(group: LedgerGroup) -> str:
    """Return the key of a group's row."""
    key = group.key
    parts = (key.by.value, key.outcome, key.reason, key.rule, key.calling, key.project, key.day)
    return "\0".join(parts)


def row(group: LedgerGroup, now: datetime) -> Row:
    """Show one group."""
    sign, tone = sign_of(group.key.outcome) if group.key.outcome else ("", "plain")
    from_ = sender(group)
    named = {
        GroupBy.REASON: (
            f"{sign} {group.key.outcome.lower()}",
            group.key.reason,
            group.key.rule or "–",
            from_,
        ),
        GroupBy.SENDER: (group.key.calling or _NOBODY,),
        GroupBy.PROJECT: (group.key.project or NO_PROJECT, from_),
        GroupBy.DAY: (group.key.day, from_),
    }[group.key.by]
    held = figures.grouped(group.held) if group.held else "–"
    cells = (*named, figures.grouped(group.objects), held, figures.age(now, group.last))
    tones = ((len(named) + 1, "bad"),) if group.held else ()
    return Row(key=key_of(group), cells=cells, tone=tone, tones=tones)


def sign_of(outcome: str) -> tuple[str, str]:
    """Return the sign of an outcome, and its tone."""
    return _SIGNS.get(outcome.lower(), _OTHER)


def sender(group: LedgerGroup) -> str:
    """Say who sent it."""
    if group.senders > 1:
        return f"{figures.grouped(group.senders)} senders"
    return group.sender or _NOBODY


def exported(group: LedgerGroup) -> tuple[str, ...]:
    """Return what is written of a group to a file."""
    key = group.key
    return (
        *(key.by.value, key.outcome, key.reason, key.rule),
        *(key.calling or group.sender, key.project, key.day),
        *(str(group.objects), str(group.held), str(group.lines), str(group.senders)),
        *(each.isoformat(timespec="seconds") for each in (group.first, group.last)),
    )


def held_row(one: HeldEntry) -> Row:
    """Show one held object among the entries of a group."""
    cells = (
        figures.moment(one.at)[5:],
        "1",
        one.sop_class_name or "unknown kind",
        _way(one.calling, one.receiver),
        figures.size(one.size),
        "yes",
    )
    return Row(key=f"held:{one.id}", cells=cells, tones=((5, "bad"),))


def line_row(one: LedgerEntry) -> Row:
    """Show one line of the ledger among the entries of a group."""
    of = f"for session {one.session}" if one.session else ""
    what = of or (f"from {one.peer}" if one.peer else "no session")
    cells = (
        figures.moment(one.last)[5:],
        figures.grouped(one.count),
        what,
        _way(one.calling, one.receiver),
        "",
        "–",
    )
    return Row(key=f"line:{one.id}", cells=cells, tones=((5, "dim"),))


def _way(calling: str, receiver: str) -> str:
    return f"{calling or _NOBODY} → {receiver}" if receiver else calling or _NOBODY


def account_rows(accounts: DayAccounts) -> list[Row]:
    """Show what every sender has brought, and all of it."""
    rows = [_account(one.calling or _NOBODY, one, f"of:{one.calling}") for one in accounts.senders]
    if len(rows) > 1:
        rows.insert(0, _account("all", _sum(accounts), "all"))
    return rows


def adds_up(accounts: DayAccounts) -> bool:
    """Whether what came of every sender lies somewhere. Sums could hide what differs both ways."""
    return all(one.adds_up for one in accounts.senders)


def _sum(accounts: DayAccounts) -> SenderAccounts:
    counts = {
        place: sum(one.counts.get(place, 0) for one in accounts.senders)
        for place in Place
        if place not in BESIDE
    }
    received = sum(one.received for one in accounts.senders)
    return SenderAccounts(calling="", received=received, counts=counts)


def _account(name: str, one: SenderAccounts, key: str) -> Row:
    places = [one.counts.get(place, 0) for place in _PLACES]
    cells = (
        name,
        figures.grouped(one.received),
        *(figures.grouped(count) if count else "–" for count in places),
        "✓" if one.adds_up else "✗",
    )
    last = len(cells) - 1
    return Row(key=key, cells=cells, tones=((last, "good" if one.adds_up else "bad"),))


def told(accounts: DayAccounts | None, held: int, where: str) -> list[Piece]:
    """Say whether the accounts add up, and what is held."""
    pieces: list[Piece] = []
    if accounts is not None:
        since = figures.clock(accounts.since)[:5]
        if adds_up(accounts):
            pieces.append((f"accounts add up since {since}", "muted"))
        else:
            pieces.append((f"the accounts since {since} do not add up: see System", "bad"))
        pieces.append((" · ", "muted"))
    pieces.append((f"{figures.grouped(held)} held", "look" if held else "muted"))
    pieces.append((f" · {where}", "muted"))
    return pieces


def period(days: int) -> str:
    """Say what days are counted."""
    return {0: "all days", 1: "today"}.get(days, f"{days} days")


def title(group: LedgerGroup) -> str:
    """Name a group."""
    key = group.key
    match key.by:
        case GroupBy.REASON:
            return f"{key.outcome.lower()} · {sender(group)}"
        case GroupBy.SENDER:
            return key.calling or _NOBODY
        case GroupBy.PROJECT:
            return key.project or "No project"
        case _:
            return key.day


def card(group: LedgerGroup, accounts: DayAccounts | None) -> list[tuple[str, str]]:
    """Say what happened in a group, and what can be done."""
    key = group.key
    lines: list[tuple[str, str]] = []
    if key.by is GroupBy.REASON:
        lines += [("", "What happened"), ("", key.reason), ("", "")]
        lines.append(("Outcome", f"{sign_of(key.outcome)[0]} {key.outcome.lower()}"))
        if key.rule:
            lines.append(("Rule", key.rule + ("  (o opens it)" if place_of(key.rule) else "")))
    lines.append(("From", sender(group)))
    lines.append(("First", figures.moment(group.first)))
    lines.append(("Last", figures.moment(group.last)))
    lines.append(("Counted", figures.plural(group.objects, "time")))
    if group.held:
        lines.append(("Held", f"{figures.plural(group.held, 'object')}, as received, in staging"))
        if (left := group.objects - group.held) > 0 and key.by is GroupBy.REASON:
            lines.append(("", f"{figures.grouped(left)} more have left since"))
    lines += [("", ""), ("", "What can be done"), *remedies(group)]
    if accounts is not None and accounts.senders:
        lines += [("", ""), ("", f"Accounts since {figures.moment(accounts.since)[:16]}")]
        lines += [(one.calling[:10] or _NOBODY, _in_words(one)) for one in accounts.senders]
    return lines


def remedies(group: LedgerGroup) -> list[tuple[str, str]]:
    """Say what can be done about a group."""
    lines: list[tuple[str, str]] = []
    if group.held:
        lines.append(("r", "through intake again, by the script in force; it may stay held"))
        lines.append(("x", "drop the objects, with a reason; nothing brings them back"))
        lines.append(("enter", "the objects; enter again: header and error of one"))
    if group.key.by is not GroupBy.REASON:
        return lines or [("enter", "what is in the group")]
    said = _REMEDIES.get(group.key.outcome.lower(), "" if group.held else _NOTHING_KEPT)
    return [*lines, ("", said)] if said else lines


_NOTHING_KEPT = "nothing of it is kept: the sender knows, and has to send it again"
_REMEDIES = {
    "refused": f"{_NOTHING_KEPT} once the cause is mended",
    "failed": f"{_NOTHING_KEPT}; look at System, Health",
    "duplicate": "nothing: the object is in its session already, and is counted here",
    "conflict": "both objects are in the session: decide there which one is kept",
    "filtered": "nothing of it is kept; a filter that is changed holds for what comes next",
    "rejected": "nothing of it is kept; a script that is changed holds for what comes next",
    "deleted": "nothing: a person has dropped it",
    "replaced": "nothing: another object has taken its place",
}


def _in_words(one: SenderAccounts) -> str:
    places = ", ".join(
        f"{figures.grouped(count)} {place.value}"
        for place in _PLACES
        if (count := one.counts.get(place, 0))
    )
    sign = "✓" if one.adds_up else f"✗ {figures.grouped(one.found)} are found:"
    return f"{figures.grouped(one.received)} {sign} {places}".rstrip()


_RULE = re.compile(r"(site|project (?P<project>[^\s:]+))(?: v(?P<version>\d+))?:(?P<line>\d+)")


def place_of(rule: str) -> tuple[str, int, int] | None:
    """Return scope, version and line of the script statement that a rule names; None for others."""
    found = _RULE.match(rule)
    if found is None:
        return None
    scope = "site" if found["project"] is None else project_scope(found["project"])
    return scope, int(found["version"] or 0), int(found["line"])


def held_card(one: HeldDetail, unread: Sequence[str]) -> list[tuple[str, str]]:
    """Say why an object is held, and where it came from."""
    lines = [("", "Why it is held"), ("", one.reason)]
    if one.rule:
        lines.append(("Rule", one.rule + ("  (o opens it)" if place_of(one.rule) else "")))
    lines += [("", text) for text in unread]
    lines += [
        ("", ""),
        ("Id", one.id),
        ("Came", figures.moment(one.at)),
        ("From", f"{one.calling or _NOBODY}  {one.peer}".rstrip()),
        ("To", one.receiver),
        ("Size", figures.size(one.size)),
        ("Kind", one.sop_class),
        ("Syntax", one.transfer_syntax),
        ("Object", one.sop_instance),
        ("", ""),
        ("", "What can be done"),
        ("r", "through intake again, by the script in force"),
        ("x", "drop it, with a reason; nothing brings it back"),
    ]
    return [line for line in lines if line[0] in ("", "r", "x") or line[1]]


def hidden(header: FoldedHeader, *, revealed: bool) -> FoldedHeader:
    """Return the header of an object that no script has run over: without its values until they are
    revealed."""
    if revealed:
        return header
    return replace(header, rows=tuple(_hidden(one) for one in header.rows))


def _hidden(one: HeaderRow) -> HeaderRow:
    if one.kind is not RowKind.ELEMENT or one.path in _TECHNICAL:
        return one
    values = tuple(
        replace(each, text=each.text if _LENGTH.fullmatch(each.text) else _length(one, each.text))
        for each in one.values
    )
    return replace(one, values=values)


def _length(one: HeaderRow, text: str) -> str:
    return f"‹{one.vr} {len(text)}›" if text else ""


_TECHNICAL = frozenset({"(0002,0002)", "(0002,0010)", "(0008,0016)", "(0008,0060)"})
_LENGTH = re.compile(r"‹(\w\w )?\d+›")
"""What the engine tells in the place of a value."""
