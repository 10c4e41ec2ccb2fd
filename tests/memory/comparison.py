# SPDX-License-Identifier: Apache-2.0
"""Comparisons of an engine in memory."""

from __future__ import annotations

from engine.model.comparison import STORED, ComparedRow, ComparedSide, Comparison, Part
from engine.model.contents import FoldedValue, HeaderRow, RowKind
from engine.model.errors import NotFound
from tests.memory.facts import Asked


def element(
    path: str, name: str, vr: str, *texts: str, distinct: int = 0, identifying: bool = False
) -> HeaderRow:
    """Make an element of one side."""
    return HeaderRow(
        path=path,
        tag=path,
        kind=RowKind.ELEMENT,
        depth=0,
        vr=vr,
        name=name,
        values=tuple(FoldedValue(text=text, files=17) for text in texts),
        distinct=distinct or len(texts),
        files=17,
        identifying=identifying,
    )


def differences() -> tuple[ComparedRow, ...]:
    """Return what two sessions differ in."""
    number = "(0020,0013)", "InstanceNumber", "IS"
    return (
        ComparedRow(left=element("(0008,0050)", "AccessionNumber", "SH", "A2204417")),
        ComparedRow(
            left=element("(0010,0010)", "PatientName", "PN", "DOE^JANE"),
            right=element("(0010,0010)", "PatientName", "PN", "SUB-0001"),
        ),
        ComparedRow(right=element("(0012,0062)", "PatientIdentityRemoved", "CS", "YES")),
        ComparedRow(
            left=element(*number, "1", "2", distinct=48),
            right=element(*number, "1", "2", distinct=192),
        ),
    )


class Comparing(Asked):
    """What differs between two sessions."""

    async def headers(
        self, left: str, right: str, left_part: Part = STORED, right_part: Part = STORED
    ) -> Comparison:
        known = (*self.facts.sessions, *self.facts.filed)
        for name in (left, right):
            if name not in known:
                raise NotFound(f"there is no session {name}")
        self.facts.compared.append((left, right, left_part, right_part))
        return Comparison(
            left=ComparedSide(session=left, part=left_part, files=17, total=17),
            right=ComparedSide(session=right, part=right_part, files=17, total=17),
            rows=self.facts.differences,
            same=203,
        )
