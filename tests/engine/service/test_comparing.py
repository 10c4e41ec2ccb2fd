# SPDX-License-Identifier: Apache-2.0
"""Sessions, scans, files and versions side by side, wherever they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import select

from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.archive.tables import ArchivedSessionRow
from engine.model.archive import AuditQuery
from engine.model.comparison import Comparison, Part, Version
from engine.model.contents import FoldedValue
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.people import Actor, Role, operator
from engine.model.scripts import SITE
from engine.service import redaction
from engine.service.archive import Archive
from engine.service.comparing import Comparing
from engine.service.event_buffer import EventBuffer
from engine.service.prearchive import Prearchive
from engine.service.verifying import Verifying
from engine.service.witness import Witness
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.scripting import in_force
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.jobs.test_move import move
from tests.engine.jobs.test_move_scripts import waiting

RECEIVED, TO_COME = Part(version=Version.RECEIVED), Part(version=Version.TO_COME)


def asked(fixture: Fixture, actor: Actor | None = None) -> Comparing:  # noqa: F811
    """Ask an engine, of which everything may be asked."""
    context, actor = fixture.context, actor or operator("root")
    prearchive = Prearchive(context, EventBuffer(), cast("Any", None), actor)
    return Comparing(prearchive, Archive(context, Verifying(context), actor), actor)


def told(found: Comparison) -> dict[str, tuple[str, str]]:
    """Return the values of both sides by name; a dash where there is none."""

    def value(values: tuple[FoldedValue, ...] | None) -> str:
        return "-" if values is None else values[0].text if values else ""

    return {
        one.either.name: (
            value(one.left.values if one.left else None),
            value(one.right.values if one.right else None),
        )
        for one in found.rows
        if not one.either.depth
    }


async def test_the_versions_of_a_session_are_compared(either: Fixture) -> None:  # noqa: F811
    await in_force(either, "(0010,0010) := subject\n- (0008,1030)", SITE)
    session = await waiting(either)
    assert await move(either, session, wanted_project="P", wanted_subject="S2") == ""
    await in_force(either, "(0010,0020) := session\n(0010,4000) := project")
    compare = asked(either).headers

    found = await compare(session, session, RECEIVED)
    values = told(found)
    assert values["PatientName"] == ("Doe^Jane", "S2")
    assert values["StudyDescription"] == ("Head", "-")
    assert (found.left.session, found.left.files, found.left.part) == (session, 2, RECEIVED)
    assert found.same > 5

    values = told(await compare(session, session, right_part=TO_COME))
    assert values["PatientComments"] == ("-", "P")
    assert values["PatientID"] == ("4711", "E1")
    assert "PatientName" not in values
    both = told(await compare(session, session, RECEIVED, TO_COME))
    assert both["PatientName"][0] == "Doe^Jane" and both["PatientComments"][1] == "P"
    assert (await compare(session, session)).rows == ()


async def test_files_scans_and_sessions_are_compared_wherever_they_are(
    fixture: Fixture,  # noqa: F811
) -> None:
    session = await ready(fixture, "E1", study="1.2.3.4")
    other = await ready(fixture, "E2", study="1.2.3.5")
    assert await archive(fixture, other) == ""
    async with fixture.context.archive_db.read() as transaction:
        filed = (await transaction.execute(select(ArchivedSessionRow.id))).scalar_one()
    compare = asked(fixture).headers
    found = await compare("E1", filed, Part(scan="1"))
    assert (found.left.session, found.right.session) == (session, filed)
    assert (found.left.files, found.right.files) == (2, 2)
    files = [Part(file=f"SCANS/1/DICOM/{number}.dcm") for number in (1, 2)]
    one = await compare(session, session, *files)
    assert told(one).keys() == {"SOPInstanceUID", "MediaStorageSOPInstanceUID"}
    with pytest.raises(InvalidInput, match="is filed"):
        await compare(session, filed, right_part=RECEIVED)
    for name, part in (("pre_nothing1", Part()), (session, Part(scan="9"))):
        with pytest.raises(NotFound):
            await compare(session, name, right_part=part)


async def test_what_could_not_be_read_is_named(fixture: Fixture) -> None:  # noqa: F811
    await in_force(fixture, 'if ((0020,0013) = "1") { reject[] }')
    session = await ready(fixture)
    found = await asked(fixture).headers(session, session, right_part=TO_COME)
    assert found.right.unread == () and found.right.files == 2
    failing = '(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]'
    await in_force(fixture, failing)
    found = await asked(fixture).headers(session, session, right_part=TO_COME)
    assert found.right.files == 0
    assert [line.partition(": ")[2] for line in found.right.unread] == [
        "its header cannot be read for sure, or the script fails"
    ] * 2


async def test_originals_are_told_to_those_only_who_may_see_them_and_looks_are_written_down(
    fixture: Fixture,  # noqa: F811
) -> None:
    await in_force(fixture, "(0010,0010) := subject", SITE)
    session = await waiting(fixture, project="P")
    found = await asked(fixture).headers(session, session, RECEIVED)
    reviewer = Actor(name="mk", roles={"P": frozenset({Role.REVIEWER})})
    seeing = replace(reviewer, name="ak", sees_originals=True)
    assert redaction.of("comparison.headers", seeing, found) == found
    hidden = told(redaction.of("comparison.headers", reviewer, found))
    assert hidden["PatientName"] == ("‹PN 8›", "S1")
    assert "Doe^Jane" not in repr(redaction.of("comparison.headers", reviewer, found))
    turned = replace(
        found,
        left=found.right,
        right=found.left,
        rows=tuple(replace(one, left=one.right, right=one.left) for one in found.rows),
    )
    assert "Doe^Jane" not in repr(redaction.of("comparison.headers", reviewer, turned))
    now = await asked(fixture).headers(session, session)
    assert redaction.of("comparison.headers", reviewer, now) == now

    # Which values are the same would tell them: of another session they may be chosen.
    other = await ready(fixture, "E7", study="1.2.3.7")
    for parts in ((RECEIVED, Part()), (Part(), RECEIVED)):
        with pytest.raises(Refused, match="originals"):
            await asked(fixture, reviewer).headers(session, other, *parts)
    await asked(fixture, reviewer).headers(session, session, RECEIVED)
    await asked(fixture, seeing).headers(session, other, RECEIVED)

    context = fixture.context
    witness = Witness(context.archive_db)
    for actor in (reviewer, seeing):
        # What was asked for may be a label: it is not written down.
        await witness.answered("comparison.headers", actor, {"left": "DOE_JANE"}, found)
    await Relay(context.archive_db, context.prearchive_db).drain()
    events = (await AuditChain(context.archive_db).find(AuditQuery(action="Looked at"))).rows
    looks = {(one.actor, one.object, one.detail["what"]) for one in events}
    assert looks == {
        ("mk", session, "headers"),
        ("ak", session, "headers"),
        ("ak", session, "originals"),
    }
