# SPDX-License-Identifier: Apache-2.0
"""The contract for what scripts do after objects were received, in both forms of an engine: change
lists, moves, the way to the archive, and held objects."""

from __future__ import annotations

import pydicom
import pytest

from engine.model.accounts import Place
from engine.model.archive import AuditQuery, SessionQuery
from engine.model.changes import (
    ChangeKind,
    FoldedChange,
    ScriptOutcome,
    SessionChanges,
    Statement,
)
from engine.model.errors import Conflict, InvalidInput, InvalidScript, NotFound
from engine.model.states import Status
from engine.model.trials import Standing
from engine.service.api import EngineApi
from tests.engine.service.conftest import Opened
from tests.engine.service.test_contract import one_session, reached, store, without_known
from tests.line.serving import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = 'version "6.7"\n(0010,0010) := subject\n(0008,1030) := "seen by the site"\n'
PROJECT = 'version "6.7"\n- (0010,0030)\n(0010,4000) := format["{0} of {1}", session, project]\n'


def of(told: SessionChanges) -> dict[str, FoldedChange]:
    """Return rows by the keyword of their element."""
    assert told.is_whole
    return {one.change.name: one for one in told.rows}


async def header(engine: EngineApi, accession: str) -> dict[str, str]:
    """Return the values of a filed session's one object."""
    folded = await engine.archive.header(accession)
    return {row.name: row.values[0].text for row in folded.rows if row.values}


async def test_what_scripts_did_and_will_do_is_told_and_then_done(opened: Opened) -> None:
    engine, port = opened
    await engine.projects.add("P1")
    await engine.projects.set("P1", {"prearchive_code": "0"})
    version = await engine.scripts.set("site", SITE)
    await engine.scripts.set("project:P1", PROJECT)

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.StudyDescription = "1.2.3.5.1", "Head of Doe"
        image.PatientBirthDate = "19700101"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.5.1")
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    done = of(await engine.prearchive.done(id, wait=30.0))
    change = done["StudyDescription"].change
    assert (change.kind, change.path) == (ChangeKind.CHANGED, "(0008,1030)")
    assert (change.before, change.after) == ("Head of Doe", "seen by the site")
    assert change.statement == Statement(script="site", version=version.version, line=3)
    assert done["StudyDescription"].files == 1
    assert of(await engine.prearchive.done(id, wait=30.0, scan="1")) == done
    folded = await engine.prearchive.done(id, "1", wait=10.0)
    assert (folded.read, folded.files, folded.alike, folded.scripts) == (
        1,
        1,
        1,
        (f"site v{version.version}",),
    )
    assert {"Modality", "StudyDescription"} <= {row.change.name for row in folded.rows}
    with pytest.raises(NotFound):
        await engine.prearchive.done(id, wait=30.0, scan="99")
    with pytest.raises(NotFound):
        await engine.prearchive.done("pre_nothing1")
    with pytest.raises(Conflict, match="no project"):
        await engine.prearchive.to_come(id, wait=30.0)

    await engine.prearchive.relabel(id, label="V1", subject="SUBJ")
    await reached(engine, id, Status.READY)
    await engine.prearchive.move((id,), "P1")
    await reached(engine, id, Status.READY)
    named = of(await engine.prearchive.done(id, wait=30.0))["PatientName"].change
    # Told of the original, whatever the labels were meanwhile.
    assert (named.before, named.after) == ("CompressedSamples^CT1", "SUBJ")
    told = of(await engine.prearchive.to_come(id, wait=30.0))
    assert told["PatientBirthDate"].change.kind is ChangeKind.REMOVED
    assert told["PatientBirthDate"].change.before == "19700101"
    assert told["PatientComments"].change.after == "V1 of P1"
    assert str(told["PatientComments"].change.statement) == "project P1 v1:3"

    await engine.prearchive.archive((id,))

    async def filed() -> bool:
        return (await engine.archive.list(SessionQuery(project="P1"))).total == 1

    await until(engine, filed)
    card = await engine.archive.show("V1", project="P1")
    values = await header(engine, card.accession)
    assert values["PatientName"] == "SUBJ"
    assert values["PatientComments"] == "V1 of P1"
    assert "PatientBirthDate" not in values
    await engine.scripts.disable("site")
    await samples_are_tried_with_each_save(engine, card.accession)


async def samples_are_tried_with_each_save(engine: EngineApi, accession: str) -> None:
    """Keep an object of a filed session with the script of its project, and save others."""
    scope = "project:P1"
    (file, *_) = (await engine.archive.files(accession)).rows
    with pytest.raises(NotFound):
        await engine.scripts.add_sample(scope, "waits", "pre_nothing1", file.path)
    with pytest.raises(NotFound):
        await engine.scripts.add_sample(scope, "nothing", accession, "SCANS/9/DICOM/9.dcm")
    with pytest.raises(InvalidInput, match="small letters"):
        await engine.scripts.add_sample(scope, "Doe Jane", accession, file.path)
    kept = await engine.scripts.add_sample(scope, "mr", accession, file.path)
    assert kept.session == accession
    with pytest.raises(Conflict, match="has a sample"):
        await engine.scripts.add_sample(scope, "mr", accession, file.path)
    assert await engine.scripts.samples(scope) == (kept,)
    rejecting = PROJECT + "reject[]\n"
    (result,) = await engine.scripts.run_samples(scope, rejecting)
    assert result.is_worse and result.tried is ScriptOutcome.REJECTED
    before = await engine.scripts.show(scope)
    with pytest.raises(Conflict, match="makes samples worse: mr: expected"):
        await engine.scripts.set(scope, rejecting)
    assert await engine.scripts.show(scope) == before
    same = await engine.scripts.set(scope, PROJECT + "// as before\n")
    assert [(one.is_as_expected, one.same_changes) for one in same.samples] == [(True, True)]
    saved = await engine.scripts.set(scope, rejecting, reason="all of them are to go")
    assert saved.samples[0].is_worse
    # It is in force now, and no other is worse than it.
    await engine.scripts.set(scope, rejecting + "// still\n")
    other = await engine.scripts.set(scope, PROJECT + '(0008,1030) := "other"\n')
    assert (other.samples[0].tried, other.samples[0].same_changes) == (ScriptOutcome.CHANGED, False)
    await engine.scripts.remove_sample(scope, "mr")
    with pytest.raises(NotFound):
        await engine.scripts.remove_sample(scope, "mr")
    assert await engine.scripts.samples(scope) == ()


async def test_a_script_that_fails_on_the_way_to_the_archive_leaves_an_error(
    opened: Opened,
) -> None:
    engine, port = opened
    await engine.projects.add("P2")
    failing = 'version "6.7"\n\n(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]\n'
    await engine.scripts.set("project:P2", failing)

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.StudyDescription = "1.2.3.5.2", "P2"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.5.2")
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    (failure,) = (await engine.prearchive.to_come(id, wait=10.0)).failures
    assert (failure.files, failure.said.partition(" failed ")[0]) == (
        1,
        "the script of project P2 (version 1)",
    )
    assert "in line 3: " in failure.said
    await engine.prearchive.archive((id,))
    await reached(engine, id, Status.ERROR)
    row = await engine.prearchive.show(id)
    assert row.reason.startswith("the script of project P2 (version 1) failed in line 3: ")
    assert (await engine.archive.list(SessionQuery(project="P2"))).total == 0


async def test_held_objects_are_shown_tried_again_and_dropped(opened: Opened) -> None:
    engine, port = opened
    failing = 'version "6.7"\n(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]\n'
    at = f"site v{(await engine.scripts.set('site', failing)).version}:2"
    await engine.scripts.enable("site")

    for number in (1, 2):

        def mark(image: pydicom.Dataset, uid: str = f"1.2.3.5.3.{number}") -> None:
            image.StudyInstanceUID, image.SOPInstanceUID = "1.2.3.5.3", uid

        assert await store(port, mark) == 0

    async def held() -> bool:
        return len(await engine.live.held()) == 2

    await until(engine, held)
    first, second = [row.id for row in await engine.live.held()]
    shown = await engine.held.show(first)
    assert (shown.calling, shown.rule) == ("CONTRACT", at)
    assert shown.sop_instance.startswith("1.2.3.5.3.")
    with pytest.raises(NotFound):
        await engine.held.show("nothing")
    (stays,) = await engine.held.retry((first,))
    assert (stays.done, f"still held: {at}: " in stays.message) == (False, True)
    await engine.scripts.set("site", SITE, reason="put right")
    (released,) = await engine.held.retry((first,), reason="put right")
    assert released.done, released.message
    (dropped,) = await engine.held.drop((second,), reason="a test")
    assert dropped.done, dropped.message
    assert await engine.live.held() == ()
    id = await one_session(engine, "1.2.3.5.3")
    assert released.message == f"published in {id}"
    assert (await engine.prearchive.show(id)).objects == 1
    accounts = (await engine.system.status()).accounts
    assert (accounts.at(Place.HELD), accounts.at(Place.DELETED)) == (0, 1)

    async def trailed() -> bool:
        found = {event.action for event in (await engine.audit.list(limit=100)).rows}
        return {"Released held object", "Dropped held object", "Retried held object"} <= found

    await until(engine, trailed)
    events = (await engine.audit.list(AuditQuery(object=second), limit=100)).rows
    assert [without_known(event) for event in events] == [{"reason": "a test"}]
    assert "CompressedSamples" not in repr((await engine.audit.list(limit=100)).rows)


async def test_a_text_is_tried_before_it_is_saved(opened: Opened) -> None:
    engine, port = opened
    await engine.scripts.set("site", SITE)
    before = await engine.scripts.show("site")

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.StudyDescription = "1.2.3.5.77", "Chest of Roe"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.5.77")
    tried = SITE.replace("seen by the site", "tried") + "- (0010,0030)\n"
    told = await engine.scripts.try_out("site", tried, id)
    rows = {one.row.change.name: one for one in told.rows}
    assert rows["PatientName"].standing is Standing.SAME
    described = rows["StudyDescription"]
    assert described.standing is Standing.OTHER and described.was is not None
    # As it was received: what stands there now is what the script in force made of it.
    assert described.row.change.before == "Chest of Roe"
    assert (described.row.change.after, described.was.after) == ("tried", "seen by the site")
    assert (told.version, told.read, told.as_received, told.stopped) == (before.version, 1, 1, "")
    scan = await engine.scripts.try_out("site", tried, id, scan="1")
    assert scan == told
    with pytest.raises(NotFound):
        await engine.scripts.try_out("site", tried, id, scan="99")
    with pytest.raises(NotFound):
        await engine.scripts.try_out("site", tried, "pre_nothing1")
    with pytest.raises(NotFound):
        await engine.scripts.try_out("project:NOWHERE", tried, id)
    with pytest.raises(InvalidScript):
        await engine.scripts.try_out("site", tried + "- (0010\n", id)
    failing = 'version "6.7"\n(0010,0020) := substring["abc", 5, 9]\n'
    (failure,) = (await engine.scripts.try_out("site", failing, id)).failures
    assert failure.problem.line == 2
    assert await engine.scripts.show("site") == before

    async def told_of_the_look() -> bool:
        looks = await engine.audit.list(AuditQuery(object=id, action="Looked at"))
        return any(one.detail.get("what") == "originals" for one in looks.rows)

    await until(engine, told_of_the_look)


async def test_waiting_sessions_follow_a_new_version_in_one_act(opened: Opened) -> None:
    engine, port = opened
    old = await engine.scripts.set("site", SITE.replace("seen by the site", "old"))

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.StudyDescription = "1.2.3.5.88", "Knee of Roe"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.5.88")
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    told = await engine.scripts.waiting("site")
    assert {one.version for one in told.made} >= {old.version}
    assert told.active == old.version
    new = await engine.scripts.set("site", SITE.replace("seen by the site", "new"))
    told = await engine.scripts.waiting("site")
    assert told.active == new.version and told.behind >= 1
    with pytest.raises(InvalidInput, match="why"):
        await engine.scripts.rerun("site")
    outcomes = {one.id: one for one in await engine.scripts.rerun("site", "the ward")}
    assert outcomes[id].done
    await reached(engine, id, Status.READY)

    async def is_new() -> bool:
        row = of(await engine.prearchive.done(id, wait=30.0))["StudyDescription"].change
        return row.after == "new" and row.before == "Knee of Roe"

    await until(engine, is_new)
    await reached(engine, id, Status.READY)
    assert (await engine.prearchive.show(id)).label
    again = {one.id for one in await engine.scripts.rerun("site", "once more")}
    assert id not in again
    await engine.projects.add("P9")
    await engine.scripts.set("project:P9", PROJECT)
    assert (await engine.scripts.waiting("project:P9")).made == ()
    with pytest.raises(Conflict, match="filed"):
        await engine.scripts.rerun("project:P9", "the ward")
    await engine.scripts.disable("site")
    try:
        assert (await engine.scripts.waiting("site")).active == 0
        with pytest.raises(Conflict, match="no script of the site runs"):
            await engine.scripts.rerun("site", "the ward")
    finally:
        await engine.scripts.enable("site")
