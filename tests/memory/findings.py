# SPDX-License-Identifier: Apache-2.0
"""What was found in the sessions of an engine in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.model.changes import Statement
from engine.model.errors import InvalidInput, NotFound
from engine.model.findings import Finding, FindingKind, Findings, Level
from tests.memory.facts import NOON, Asked


def finding(key: str = "a1", **values: object) -> Finding:
    """Make one finding."""
    made = Finding(
        key=key,
        kind=FindingKind.RECURS,
        level=Level.HIGH,
        path="(0008,103E)",
        name="SeriesDescription",
        scans=("4",),
        files=10,
        left=10,
        value="t2 tse Dr Moll",
        cause="part of OperatorsName",
        remedy='(0008,103E) := ""',
    )
    return replace(made, **values)  # type: ignore[arg-type]


def several() -> tuple[Finding, ...]:
    """Return findings of every level: one open, one mended, one acknowledged."""
    return (
        finding(),
        finding(
            "b2",
            kind=FindingKind.PIXELS,
            level=Level.MEDIUM,
            path="(7FE0,0010)",
            name="PixelData",
            files=3,
            left=3,
            value="",
            cause="such images often show text, and nobody has read the pixels",
            remedy="",
        ),
        finding(
            "c3",
            kind=FindingKind.PROFILE,
            level=Level.LOW,
            path="(0010,0030)",
            name="PatientBirthDate",
            left=0,
            value="19340317",
            cause="the profile wants it gone",
            mended_by=Statement(script="project NEURO3", version=12, line=7),
            remedy='(0010,0030) := ""',
        ),
        finding(
            "d4",
            level=Level.LOW,
            path="(0018,1030)",
            name="ProtocolName",
            value="ep2d_diff_mddw",
            cause="part of PatientName",
            acknowledged_by="mk",
            acknowledged=NOON,
            reason="no name",
        ),
    )


class FindingsOfSessions(Asked):
    async def list(self, id: str) -> Findings:
        self.facts.found(id)
        return self.facts.findings.get(id, Findings(session=id))

    async def acknowledge(self, id: str, keys: tuple[str, ...], reason: str) -> Findings:
        if not reason.strip():
            raise InvalidInput("say why it is none: the reason stays with it")
        return await self._say(
            id, keys, acknowledged_by=self.actor, acknowledged=NOON, reason=reason
        )

    async def reopen(self, id: str, keys: tuple[str, ...], reason: str = "") -> Findings:
        return await self._say(id, keys, acknowledged_by="", acknowledged=None, reason="")

    async def _say(self, id: str, keys: Collection[str], **values: object) -> Findings:
        found = await self.list(id)
        if not {one.key for one in found.rows}.issuperset(keys):
            raise NotFound("there is no such finding any more", hint="list them again")
        rows = tuple(
            replace(one, **values) if one.key in keys else one  # type: ignore[arg-type]
            for one in found.rows
        )
        self.facts.findings[id] = replace(found, rows=rows)
        open = [one for one in rows if one.is_open]
        level = min((one.level for one in open), key=list(Level).index).value if open else ""
        row = self.facts.found(id)
        self.facts.sessions[id] = replace(row, findings=len(open), findings_level=level)
        await self.facts.tell("session", id, "findings")
        return self.facts.findings[id]
