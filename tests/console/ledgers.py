# SPDX-License-Identifier: Apache-2.0
"""A day of which not all became part of a session, for the pictures and walks of the ledger."""

from __future__ import annotations

from datetime import timedelta

from engine.model.accounts import Place
from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind
from engine.model.ledger import DayAccounts, SenderAccounts
from engine.model.live import HeldObject, LedgerEntry
from tests.memory import NOON, Facts

NAME = "Doe^Jane"

_LINES = (
    ("held", "site v7:8: cannot decode the pixels", "site v7:8", "MR3T_A", "", 5, 2),
    ("duplicate", "the same object is in the session already", "", "MR3T_A", "pre_aaaaaaa2", 2, 6),
    ("filtered", "the filter of NEURO3 leaves it out", "NEURO3 filter:2", "MR3T_A", "", 61, 4),
    ("refused", "called AE title STORESCP is unknown", "", "WS-044", "", 120, 3),
    ("refused", "called AE title STORESCP is unknown", "", "WS-045", "", 130, 2),
)


def fill(facts: Facts, spoil: str = "") -> None:
    """Let the ledger have lines, and staging held objects; `spoil` stands in all that is from
    outside."""
    facts.ledger.clear()
    for number, (outcome, reason, rule, calling, session, minutes, count) in enumerate(_LINES, 1):
        at = NOON - timedelta(minutes=minutes)
        facts.ledger.append(
            LedgerEntry(
                id=number,
                transfer=f"tr_{number}",
                outcome=outcome,
                reason=reason + spoil,
                rule=rule,
                session=session,
                receiver="ANTEROOM",
                calling=calling + spoil,
                peer="10.0.0.9" + spoil,
                first=at - timedelta(minutes=1),
                last=at,
                count=count,
            )
        )
    for number in (1, 2):
        facts.held.append(
            HeldObject(
                id=f"h{number}",
                transfer="tr_1",
                at=NOON - timedelta(minutes=4 + number),
                reason=_LINES[0][1] + spoil,
                rule="site v7:8",
                size=18_000_000,
            )
        )
        facts.held_headers[f"h{number}"] = FoldedHeader(
            rows=(
                _row("(0008,0016)", "UI", "SOPClassUID", "Ultrasound Image Storage" + spoil),
                _row("(0010,0010)", "PN", "PatientName", NAME + spoil),
            ),
            files=1,
            total=1,
        )
    facts.accounts = DayAccounts(
        since=NOON.replace(hour=0),
        senders=(
            SenderAccounts(
                calling="MR3T_A" + spoil,
                received=5_116,
                counts={
                    Place.WAITING: 996,
                    Place.ARCHIVED: 4_110,
                    Place.DUPLICATE: 6,
                    Place.FILTERED: 4,
                    Place.REFUSED: 2,
                },
            ),
            SenderAccounts(calling="US_OB2" + spoil, received=2, counts={Place.HELD: 2}),
        ),
    )


def _row(path: str, vr: str, name: str, value: str) -> HeaderRow:
    return HeaderRow(
        path=path,
        tag=path,
        kind=RowKind.ELEMENT,
        depth=0,
        vr=vr,
        name=name,
        values=(FoldedValue(text=value, files=1),),
        distinct=1,
        files=1,
        length=len(value),
    )
