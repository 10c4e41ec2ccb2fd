# SPDX-License-Identifier: Apache-2.0
"""One contract for both forms of an engine: the one in this process, and the remote one that is
asked over a Unix socket. What is asked and what is answered must be the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pydicom.data
import pytest
from pynetdicom import AE
from pynetdicom.presentation import StoragePresentationContexts

from engine.model.acceptance import Judgement, StepName, StepState
from engine.model.accounts import Place
from engine.model.archive import AuditEvent, AuditQuery, SessionQuery, SessionStatus
from engine.model.audit import AuditHead
from engine.model.commitments import CommitmentState
from engine.model.errors import (
    Conflict,
    EngineError,
    InvalidInput,
    NotFound,
    Problem,
    Refused,
)
from engine.model.filters import parse_filter
from engine.model.health import Finding
from engine.model.live import ThroughputBy
from engine.model.prearchive import PrearchiveQuery
from engine.model.quarantine import QuarantineQuery
from engine.model.states import Status
from engine.model.verification import FaultCounts
from engine.service.api import EngineApi
from engine.service.requestor import associate
from tests.engine.service.conftest import Opened
from tests.line.committing import Inbox, asking, listening, request
from tests.line.serving import until

CT = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def store(
    port: int, change: Callable[[pydicom.Dataset], None] = lambda _: None, *, abort: bool = False
) -> int:
    """Send one CT image, and release the association or abort it; return the status."""
    image = pydicom.dcmread(CT)
    change(image)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    entity = AE(ae_title="CONTRACT")
    entity.requested_contexts = [
        context
        for context in StoragePresentationContexts
        if context.abstract_syntax == image.SOPClassUID
    ]

    def send() -> int:
        association = associate(entity, "127.0.0.1", port, called="ANTEROOM")
        assert association.is_established
        try:
            return int(association.send_c_store(image).Status)
        finally:
            (association.abort if abort else association.release)()

    return await asyncio.to_thread(send)


def without_known(event: AuditEvent) -> dict[str, object]:
    """Return what an event tells beside how its actor was known, which only a socket tells."""
    assert event.detail.get("known", "uid").startswith("uid")
    return {name: value for name, value in event.detail.items() if name != "known"}


async def one_session(engine: EngineApi, uid: str) -> str:
    """Wait for the session of a study; return its id."""

    async def there() -> bool:
        page = await engine.prearchive.list(PrearchiveQuery(tag=uid))
        return page.total == 1 and page.rows[0].objects > 0

    await until(engine, there)
    return (await engine.prearchive.list(PrearchiveQuery(tag=uid))).rows[0].id


async def reached(engine: EngineApi, id: str, status: Status) -> None:
    async def there() -> bool:
        row = await engine.prearchive.show(id)
        return row.status is status and not row.locked

    await until(engine, there)


async def test_a_project_is_added_changed_and_listed(opened: Opened) -> None:
    engine, _ = opened
    added = await engine.projects.add("P1", title="First", aliases=("one", "uno"))
    assert (added.id, added.title, set(added.aliases)) == ("P1", "First", {"one", "uno"})
    assert added.prearchive_code == 4
    changed = await engine.projects.set("P1", {"prearchive_code": "0", "aliases": "one"})
    assert (changed.prearchive_code, changed.aliases) == (0, ("one",))
    assert [project.id for project in await engine.projects.list()] == ["P1"]
    with pytest.raises(InvalidInput, match="no colour"):
        await engine.projects.set("P1", {"colour": "red"})
    with pytest.raises(NotFound):
        await engine.projects.show("P9")


async def test_rules_are_checked_before_they_are_in_force(opened: Opened) -> None:
    engine, _ = opened
    with pytest.raises(InvalidInput) as caught:
        await engine.rules.set("site", "project", "(0008,1030):(.*\nnonsense")
    assert {problem.line for problem in caught.value.problems} == {1, 2}
    written = await engine.rules.set("site", "session", "(0008,0050):(.+)", reason="by order")
    assert written.version == 1
    assert (await engine.rules.show("site", "session")).text == "(0008,0050):(.+)"
    route = await engine.routing.explain(str(CT))
    assert any(step.extractor == "site rule 1" for step in route.trace)
    await engine.rules.set("site", "session", "")


async def test_a_file_that_is_no_dicom_is_an_error_with_its_place(
    opened: Opened, tmp_path: Path
) -> None:
    engine, _ = opened
    text = tmp_path / "letter.txt"
    text.write_text("dear colleague")
    with pytest.raises(InvalidInput, match=r"letter\.txt"):
        await engine.routing.explain(str(text))
    with pytest.raises(NotFound):
        await engine.routing.explain(str(tmp_path / "nowhere"))


async def test_a_session_is_received_built_relabelled_moved_archived_and_found(
    opened: Opened,
) -> None:
    engine, port = opened
    await engine.projects.add("P2")

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.1"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.1")
    assert await engine.prearchive.find(id) == id
    row = await engine.prearchive.show(id)
    assert row.project is None
    assert await engine.prearchive.find(row.url) == id

    (refused,) = await engine.prearchive.archive((id,))
    assert not refused.done and "still arriving" in refused.message
    (built,) = await engine.prearchive.rebuild((id,), "look at it")
    assert built.done and built.job
    await reached(engine, id, Status.READY)
    (refused,) = await engine.prearchive.archive((id,))
    assert not refused.done and "no project" in refused.message

    relabelled = await engine.prearchive.relabel(id, label="VISIT_1", subject="SUBJ_1")
    assert relabelled.done, relabelled.message
    await reached(engine, id, Status.READY)
    assert (await engine.prearchive.show(id)).label == "VISIT_1"
    (moved,) = await engine.prearchive.move((id,), "P2")
    assert moved.done, moved.message
    await reached(engine, id, Status.READY)
    assert (await engine.prearchive.log(id))[-1].text

    (archived,) = await engine.prearchive.archive((id,))
    assert archived.done, archived.message

    async def filed() -> bool:
        return (await engine.archive.list(SessionQuery(project="P2"))).total == 1

    await until(engine, filed)
    card = await engine.archive.show("VISIT_1", project="P2")
    status = await engine.system.status()
    filed_as = Path(status.home) / "archive" / card.folder
    # The log of the prearchive tells of labels that a name had given: it stays behind.
    assert {path.name for path in filed_as.iterdir()} == {"SCANS", "VISIT_1.xml", ".received"}
    assert (card.subject, card.modality, card.files) == ("SUBJ_1", "CT", 1)
    assert (await engine.archive.list(SessionQuery(text="visit_1"))).total == 1
    assert (await engine.archive.list(SessionQuery(modality="MR"))).total == 0
    assert card.accession in await engine.archive.document(card.accession)
    assert await engine.archive.history(card.accession)
    with pytest.raises(NotFound):
        await engine.prearchive.show(id)


async def test_a_session_is_archived_into_quarantine_and_released(opened: Opened) -> None:
    engine, port = opened
    await engine.projects.add("QUIET", aliases=("QUIETLY",))
    await engine.projects.set("QUIET", {"prearchive_code": "0", "release_people": "2"})

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.77"
        image.StudyDescription = "QUIETLY"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.77")
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    (archived,) = await engine.prearchive.archive((id,), quarantine=True)
    assert archived.done, archived.message

    async def filed() -> bool:
        return (await engine.quarantine.list(QuarantineQuery(project="QUIET"))).total == 1

    await until(engine, filed)
    (row,) = (await engine.quarantine.list(QuarantineQuery(project="QUIET"))).rows
    assert (row.status, row.people, row.yes) == (SessionStatus.QUARANTINE, 2, ())
    accession = row.accession
    (first,) = await engine.quarantine.release((accession,), "looks fine")
    assert first.done and "another person" in first.message
    (second,) = await engine.quarantine.release((accession,))
    assert not second.done and "another person" in second.message
    for verb, status in (
        (engine.quarantine.obsolete, SessionStatus.OBSOLETE),
        (engine.quarantine.activate, SessionStatus.QUARANTINE),
        (engine.quarantine.hold, SessionStatus.QUARANTINE),
    ):
        (outcome,) = await verb((accession,), "because")
        assert outcome.done, outcome.message
        assert (await engine.archive.show(accession)).status is status
    await engine.projects.set("QUIET", {"release_people": "1"})
    for verb, status in (
        (engine.quarantine.release, SessionStatus.ACTIVE),
        (engine.quarantine.lock, SessionStatus.LOCKED),
        (engine.quarantine.unlock, SessionStatus.ACTIVE),
    ):
        (outcome, missing) = await verb((accession, "XNAT_E99999"))
        assert outcome.done, outcome.message
        assert not missing.done and "no such session" in missing.message
        assert (await engine.archive.show(accession)).status is status
    assert (await engine.archive.history(accession))[2].reason == "looks fine"


async def test_a_session_is_deleted_into_the_trash_and_counted(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.2"

    assert await store(port, mark) == 0
    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.2")

    async def counted() -> bool:
        return bool(await engine.live.ledger(outcome="duplicate"))

    await until(engine, counted)
    before = (await engine.system.status()).accounts
    (outcome,) = await engine.prearchive.delete((id, id), "not ours")
    assert outcome.done

    async def gone() -> bool:
        return (await engine.prearchive.list(PrearchiveQuery(tag="1.2.3.4.2"))).total == 0

    await until(engine, gone)
    after = (await engine.system.status()).accounts
    assert after.received == before.received
    assert sum(after.counts.values()) == sum(before.counts.values())
    assert after.at(Place.DELETED) == before.at(Place.DELETED) + 1
    (line,) = await engine.live.ledger(outcome="duplicate")
    assert line.count == 1


async def test_acts_on_what_is_not_there_say_so_one_by_one(opened: Opened) -> None:
    engine, _ = opened
    outcomes = await engine.prearchive.archive(("pre_aaaaaaaa", "pre_bbbbbbbb"))
    assert [outcome.done for outcome in outcomes] == [False, False]
    assert "pre_aaaaaaaa" in outcomes[0].message
    with pytest.raises(EngineError):
        await engine.jobs.cancel("pre_aaaaaaaa:archive:1")


async def test_receivers_come_and_go_while_the_engine_runs(opened: Opened) -> None:
    engine, port = opened
    with pytest.raises(Refused):
        await engine.receivers.stop("ANTEROOM", port)
    added = await engine.receivers.add("SECOND", 14104, allow=("CONTRACT",))
    assert added.listening and added.allow_enabled
    with pytest.raises(EngineError):
        await engine.receivers.echo("SECOND", 14104)
    await engine.receivers.edit("SECOND", 14104, {"allow": "ANTEROOM_ECHO"})
    assert "answered" in await engine.receivers.echo("SECOND", 14104)
    values = {"transfer_syntaxes": "JPEGLSLossless", "max_per_peer": "2", "idle_timeout": "2.5"}
    edited = await engine.receivers.edit("SECOND", 14104, values)
    assert (edited.transfer_syntaxes, edited.max_per_peer) == (("JPEGLSLossless",), 2)
    assert (edited.idle_timeout, edited.listening) == (2.5, True)
    with pytest.raises(InvalidInput, match="goes from 0 to 32"):
        await engine.receivers.edit("SECOND", 14104, {"allow": "10.0.0.0/33"})
    stopped = await engine.receivers.stop("SECOND", 14104)
    assert not stopped.listening
    await engine.receivers.remove("SECOND", 14104)
    assert [each.ae_title for each in await engine.receivers.list()] == ["ANTEROOM"]


async def test_remotes_are_added_changed_asked_and_deleted(opened: Opened) -> None:
    engine, port = opened
    added = await engine.remotes.add("SELF", "ANTEROOM", "127.0.0.1", port)
    assert (added.enabled, added.last_echo) == (True, None)
    first = await engine.events.after("", 0)
    answer = await engine.remotes.echo("self")
    assert (answer.ok, answer.reason) == (True, "")
    told = await engine.events.after(first.epoch, first.last, 5.0)
    assert ("remote", "SELF") in {(event.kind, event.object) for event in told.events}
    assert (await engine.remotes.show("SELF")).last_echo == answer
    with pytest.raises(InvalidInput, match="no such colour"):
        await engine.remotes.edit("SELF", {"colour": "red"})
    with pytest.raises(InvalidInput, match="cannot be read"):
        await engine.remotes.edit("SELF", {"tls": "on", "ca": "/nowhere/ca.pem"})
    values = {"ae_title": "NOBODY", "port": "1", "enabled": "no", "connect_timeout": "2.5"}
    edited = await engine.remotes.edit("SELF", values)
    assert (edited.ae_title, edited.port, edited.enabled) == ("NOBODY", 1, False)
    assert "connection refused" in (await engine.remotes.echo("SELF")).reason
    (listed,) = await engine.remotes.list()
    assert listed.last_echo is not None and not listed.last_echo.ok
    await engine.remotes.delete("SELF")
    with pytest.raises(NotFound):
        await engine.remotes.echo("SELF")

    async def audited() -> bool:
        return len((await engine.audit.list(AuditQuery(object="SELF"))).rows) == 3

    await until(engine, audited)
    actions = [event.action for event in (await engine.audit.list(AuditQuery(object="SELF"))).rows]
    assert actions == ["Deleted remote", "Modified remote", "Added remote"]


async def test_commitments_are_listed_shown_and_tried_again(opened: Opened) -> None:
    engine, port = opened
    uid = "1.2.826.0.1.3680043.10.1771.77"
    inbox = Inbox()

    def ask() -> int:
        with asking(port, inbox, calling="STRANGER") as asker:
            asker.association.network_timeout = 20
            status = asker.ask(request([(CT_CLASS, uid)]))
            # It does not wait for the report, which nobody knows where to send.
            asker.association.abort()
            return status

    assert await asyncio.to_thread(ask) == 0

    async def tried() -> bool:
        rows = await engine.commitments.list()
        return bool(rows) and rows[0].attempts > 0

    await until(engine, tried)
    (row,) = await engine.commitments.list(state="waiting")
    assert (row.calling, row.objects, row.failed) == ("STRANGER", 1, 1)
    assert row.reason == "no remote AE named STRANGER"
    (failure,) = (await engine.commitments.show(row.id)).failures
    assert (failure.sop_class, failure.sop_instance) == (CT_CLASS, uid)
    assert await engine.commitments.list(offset=1) == ()
    with listening(inbox) as reports:
        await engine.remotes.add("STRANGER", "STRANGER", "127.0.0.1", reports)
        again, unknown = await engine.commitments.retry((row.id, "cm_0"), reason="by order")
        assert (again.done, unknown.done) == (True, False)
        told = await asyncio.to_thread(inbox.next)
        assert told.failed == {uid: 0x0112}

    async def ended() -> bool:
        return (await engine.commitments.show(row.id)).state is CommitmentState.REPORTED

    await until(engine, ended)
    with pytest.raises(NotFound):
        await engine.commitments.show("cm_0")
    await engine.remotes.delete("STRANGER")


async def test_a_sender_is_accepted_step_by_step(opened: Opened) -> None:
    engine, port = opened
    begun = await engine.acceptances.start("ECHOSCU", expected=2)
    assert {step.state for step in begun.steps} == {StepState.WAITING}
    with pytest.raises(Conflict, match="is open already"):
        await engine.acceptances.start("ECHOSCU")
    with pytest.raises(InvalidInput, match="AE title"):
        await engine.acceptances.start("a title that is too long")
    await engine.remotes.add("OURS", "ANTEROOM", "127.0.0.1", port, {"calling": "ECHOSCU"})
    assert (await engine.remotes.echo("OURS")).ok

    async def echoed() -> bool:
        found = await engine.acceptances.show(begun.id)
        states = {step.name: step.state for step in found.steps}
        return states[StepName.ECHO] is StepState.DONE

    await until(engine, echoed)
    found = await engine.acceptances.expect(begun.id, 3)
    assert found.steps[0].state is StepState.DONE
    assert found.steps[-1].said == "0 of 3 are here"
    with pytest.raises(Conflict, match="cannot be accepted as it stands"):
        await engine.acceptances.close(begun.id, "accepted")
    with pytest.raises(InvalidInput, match="says why"):
        await engine.acceptances.close(begun.id, "rejected")
    with pytest.raises(InvalidInput, match="no verdict"):
        await engine.acceptances.close(begun.id, "open")
    closed = await engine.acceptances.close(begun.id, "rejected", "it sends nothing")
    assert (closed.verdict, closed.note) == (Judgement.REJECTED, "it sends nothing")
    assert await engine.acceptances.show(begun.id) == closed
    assert [one.id for one in await engine.acceptances.list()] == [begun.id]
    assert await engine.acceptances.list(open_only=True) == ()
    await engine.remotes.delete("OURS")


async def test_every_act_stands_in_the_audit_trail(opened: Opened) -> None:
    engine, _ = opened
    await engine.projects.add("P3")

    async def told() -> bool:
        return bool((await engine.audit.list(AuditQuery(object="P3"))).rows)

    await until(engine, told)
    (event,) = (await engine.audit.list(AuditQuery(object="P3"))).rows
    assert (event.actor, event.action) == ("root", "Added project")
    found = await engine.audit.list(AuditQuery(project="P3", text="added", since=event.at))
    assert (found.rows, found.total, found.exact) == ((event,), 1, True)
    oldest = await engine.audit.list(AuditQuery(), after=0, limit=1)
    assert [one.number for one in oldest.rows] == [1]
    assert (await engine.audit.list(AuditQuery(), before=2**70, limit=0)).total > 0
    with pytest.raises(InvalidInput, match="time zone"):
        await engine.audit.list(AuditQuery(until=event.at.replace(tzinfo=None)))
    counts = {one.action: one.count for one in await engine.audit.counts()}
    assert counts["Added project"] >= 1
    report = await engine.audit.verify()
    assert report.ok and report.checked > 0
    head = AuditHead(number=report.last, hash=report.head, at=event.at)
    assert (await engine.audit.verify(heads=(head,))).ok
    whole = await engine.audit.verify(True, (replace(head, hash="0" * 64),))
    assert (whole.ok, whole.start) == (False, 0)
    assert (await engine.audit.verify(whole=True)).ok


async def test_events_tell_what_to_look_at_again(opened: Opened) -> None:
    engine, _ = opened
    first = await engine.events.after("", 0)
    assert first.gap
    await engine.projects.add("P4")
    batch = await engine.events.after(first.epoch, first.last, 5.0)
    assert not batch.gap
    assert "configuration" in {event.kind for event in batch.events}


async def test_what_is_in_a_session_can_be_asked_while_it_waits_and_once_it_is_filed(
    opened: Opened,
) -> None:
    engine, port = opened
    await engine.projects.add("P5")
    for number in (1, 2, 4):

        def mark(image: pydicom.Dataset, number: int = number) -> None:
            image.StudyInstanceUID = "1.2.3.4.5"
            image.SeriesInstanceUID = "1.2.3.4.5.1"
            image.SOPInstanceUID = f"1.2.3.4.5.1.{number}"
            image.InstanceNumber = number
            image.SeriesNumber = 7
            image.AccessionNumber = "A5"
            image.StudyDescription = "P5"

        assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.5")

    async def whole() -> bool:
        return (await engine.prearchive.show(id)).objects == 3

    await until(engine, whole)
    raw = await engine.prearchive.contents(id)
    assert not raw.built
    assert [scan.files for scan in raw.scans] == [3]
    (built,) = await engine.prearchive.rebuild((id,))
    assert built.done
    await reached(engine, id, Status.READY)

    contents = await engine.prearchive.contents(id)
    assert contents.built
    assert [(scan.id, scan.files, scan.modality) for scan in contents.scans] == [("7", 3, "CT")]
    page = await engine.prearchive.files(id, scan="7", offset=1, limit=1)
    assert (page.total, len(page.rows)) == (3, 1)
    (entry,) = page.rows
    assert entry.uid.startswith("1.2.3.4.5.1.") and entry.digest and entry.size > 0
    assert (await engine.prearchive.files(id, scan="8")).total == 0

    header = await engine.prearchive.header(id)
    assert (header.files, header.total, header.unread, header.cut) == (3, 3, (), 0)
    rows = {row.path: row for row in header.rows}
    assert rows["(0020,0013)"].distinct == 3 and rows["(0020,0013)"].name == "InstanceNumber"
    assert rows["(0008,0060)"].values[0].text == "CT" and rows["(0008,0060)"].files == 3
    assert rows["(0009,1001)"].creator == "GEMS_IDEN_01"
    one = await engine.prearchive.header(id, file=entry.path)
    assert (one.files, one.total) == (1, 1)
    with pytest.raises(NotFound):
        await engine.prearchive.header(id, scan="8")
    with pytest.raises(Refused):
        await engine.prearchive.header(id, file="../../anteroom.toml")

    route = await engine.prearchive.route(id)
    assert route.project == "P5" and route.trace
    draft = "(0008,0050):(.+) t:A r:DRAFT"
    tried = await engine.routing.try_rules(id, "site", "session", draft)
    assert tried.session == "DRAFT5"
    receiver = (await engine.prearchive.show(id)).receiver
    tried = await engine.routing.try_rules(id, f"receiver:{receiver}", "session", draft)
    assert tried.session == "DRAFT5"
    assert (await engine.prearchive.route(id)).session == route.session
    effect = await engine.rules.what_if("site", "session", draft)
    (elsewhere,) = [one for one in effect.moved if one.id == id]
    assert (elsewhere.now.session, elsewhere.then.session) == (route.session, "DRAFT5")
    for scope, text in (("elsewhere", draft), ("site", "nonsense")):
        with pytest.raises(InvalidInput):
            await engine.routing.try_rules(id, scope, "session", text)

    timeline = await engine.prearchive.timeline(id)
    brought = [(each.calling, each.objects) for each in timeline.contributions]
    assert brought == [("CONTRACT", 1)] * 3
    (series,) = timeline.series
    assert (series.scan, series.objects, series.missing) == ("7", 3, 1)
    assert sum(series.counts) == 3 and series.counts[0] and series.counts[-1]
    assert (timeline.first, timeline.last) == (series.first, series.last)

    (moved,) = await engine.prearchive.archive((id,), "look")
    assert moved.done, moved.message

    async def filed() -> bool:
        return (await engine.archive.list(SessionQuery(project="P5"))).total == 1

    await until(engine, filed)
    accession = (await engine.archive.list(SessionQuery(project="P5"))).rows[0].accession
    listed = await engine.archive.files(accession, scan="7")
    assert listed.total == 3
    first = listed.rows[0]
    content = b""
    while piece := await engine.archive.read(accession, first.path, len(content), 10_000):
        content += piece
    assert len(content) > 10_000 and len(content) == first.size
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == first.digest
    assert len(await engine.archive.read(accession, first.path, 0, 1 << 30)) == first.size
    for path in ("../../archive.db", "/etc/passwd", "SCANS/../../../archive.db", ""):
        with pytest.raises(Refused):
            await engine.archive.read(accession, path)
    with pytest.raises(NotFound):
        await engine.archive.read(accession, "SCANS/7/DICOM/none.dcm")
    folded = await engine.archive.header(accession, scan="7")
    assert (folded.files, len(folded.transfer_syntaxes)) == (3, 1)

    seen = await engine.archive.contents(accession)
    assert (seen.files, seen.bytes) == (3, 3 * first.size) and not seen.faults.counts.total
    begun = await engine.archive.verify(accession)
    ended = await engine.archive.verify(accession, begun.run, wait=30.0)
    assert (ended.done, ended.files, ended.bytes) == (True, 3, 3 * first.size)
    assert ended.faults.counts == FaultCounts()
    with pytest.raises(NotFound):
        await engine.archive.verify(accession, "unknown")
    verified = (await engine.archive.show(accession)).verified
    assert verified is not None and verified.files == 3
    assert accession not in (await engine.archive.due(verified.at)).accessions
    assert accession in (await engine.archive.due(verified.at + timedelta(seconds=1))).accessions
    with pytest.raises(InvalidInput):
        await engine.archive.due(datetime(2026, 1, 1))  # noqa: DTZ001

    await engine.archive.export_begun(accession, 3, "for the physicist")

    async def told() -> bool:
        return bool((await engine.audit.list(AuditQuery(object=accession, action="Exported"))).rows)

    await until(engine, told)
    (event,) = (await engine.audit.list(AuditQuery(object=accession, action="Exported"))).rows
    assert event.actor == "root" and event.detail["files"] == 3
    with pytest.raises(NotFound):
        await engine.prearchive.contents(id)


async def test_rules_are_checked_without_saving_them(opened: Opened) -> None:
    engine, _ = opened
    assert await engine.rules.check("(0008,0050):(.+)\n") == ()
    first, second = await engine.rules.check("(0008,1030):(.*\n\n  nonsense")
    assert (first.line, second.line, second.column) == (1, 3, 3)
    assert type(first) is Problem and first.message


async def test_a_deleted_session_is_put_back_and_knows_its_objects_again(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.7"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.7")
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    before = await engine.prearchive.show(id)
    accounts = (await engine.system.status()).accounts
    await engine.prearchive.delete((id,))

    async def trashed() -> bool:
        return id in {each.id for each in await engine.prearchive.trash()}

    await until(engine, trashed)
    (deleted,) = [each for each in await engine.prearchive.trash() if each.id == id]
    assert (deleted.label, deleted.objects, deleted.bytes) == (before.label, 1, before.bytes)
    assert (deleted.by, deleted.until > deleted.deleted) == ("root", True)

    outcomes = await engine.prearchive.restore((id, id, "pre_aaaaaaaa"), "a slip")
    assert [(each.id, each.done) for each in outcomes] == [(id, True), ("pre_aaaaaaaa", False)]
    assert "not in the trash" in outcomes[1].message
    await reached(engine, id, Status.READY)
    after = await engine.prearchive.show(id)
    assert after == replace(before, lastmod=after.lastmod)
    assert (await engine.system.status()).accounts == accounts
    (again,) = await engine.prearchive.restore((id,))
    assert not again.done and "in the prearchive" in again.message
    (kept,) = await engine.prearchive.empty_trash((id,))
    assert not kept.done and "not in the trash" in kept.message
    assert await store(port, mark) == 0

    async def counted() -> bool:
        lines = await engine.live.ledger(outcome="duplicate")
        return id in {line.session for line in lines}

    await until(engine, counted)
    assert (await engine.prearchive.show(id)).objects == 1

    async def told() -> bool:
        actions = [event.action for event in (await engine.audit.list(AuditQuery(object=id))).rows]
        return actions[:1] == ["Restored from trash"]

    await until(engine, told)


async def test_lists_are_filtered_by_conditions(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.21"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.21")

    async def found(text: str) -> set[str]:
        conditions = parse_filter(text).conditions
        page = await engine.prearchive.list(PrearchiveQuery(where=conditions))
        return {row.id for row in page.rows}

    assert await found("tag:1.2.3.4.21 age<1d images:1 !status:error") == {id}
    assert await found("tag:1.2.3.4.* from:contract size>1K") >= {id}
    assert await found(f"!id:{id} tag:1.2.3.4.21") == set()
    assert await found("age>7d") == set()
    filed = await engine.archive.list(SessionQuery(where=parse_filter("added:1999").conditions))
    assert filed.total == 0
    for text in ("colour:red", "age<soon", "status:asleep"):
        with pytest.raises(InvalidInput) as caught:
            await found(text)
        assert caught.value.message
        with pytest.raises(InvalidInput):
            query = SessionQuery(where=parse_filter(text).conditions)
            await engine.archive.list(query)


async def test_a_transfer_names_the_sessions_that_it_filled(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.22"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.22")
    (transfer,) = [one for one in await engine.live.transfers() if id in one.sessions]
    assert transfer.calling == "CONTRACT"
    assert transfer.sessions == (id,)


async def test_what_arrives_is_known_before_any_build(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = "1.2.3.4.23"
        image.InstanceNumber = 7
        image.ImagesInAcquisition = 9

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.4.23")
    row = await engine.prearchive.show(id)
    assert (row.scans, row.arriving, row.missing) == (0, 1, 8)
    (series,) = await engine.live.series(id)
    assert (series.objects, series.missing, series.gaps, series.stated) == (1, 8, "", 9)
    (scan,) = (await engine.prearchive.timeline(id)).series
    assert (scan.scan, scan.missing) == (series.scan, 8)
    with pytest.raises(NotFound):
        await engine.live.series("pre_zzzzzzzz")
    hours = await engine.live.throughput(2, ThroughputBy.SENDER)
    assert sum(hour.objects for hour in hours if hour.calling == "CONTRACT") >= 1
    (sender,) = await engine.live.senders()
    assert (sender.calling, sender.last) == ("CONTRACT", row.last_object)
    assert sender.week >= 1


async def test_the_engine_says_who_asks_and_what_its_settings_promise(opened: Opened) -> None:
    engine, _ = opened
    status = await engine.system.status()
    assert status.actor == "root"
    assert (status.build_after, status.trash_days) == (300.0, 30)


async def test_an_engine_looks_at_itself(opened: Opened) -> None:
    engine, _ = opened
    quick, thorough = await engine.system.checks(), await engine.system.checks(thorough=True)
    assert {check.name for check in quick} == {check.name for check in thorough}
    by_name = {check.name: check for check in thorough}
    for name in ("receivers", "workers", "accounts", "rows and folders", "audit trail"):
        assert by_name[name].finding is Finding.GOOD, by_name[name]
    order = list(Finding)
    for checks in (quick, thorough):
        assert [*checks] == sorted(checks, key=lambda check: order.index(check.finding))


async def test_what_a_person_saw_and_took_is_on_the_trail(opened: Opened) -> None:
    engine, _ = opened
    await engine.audit.note("revealed", "prearchive", "which patient is it")
    await engine.audit.note("exported", "prearchive", count=12)
    with pytest.raises(InvalidInput):
        await engine.audit.note("looked", "prearchive")
    with pytest.raises(InvalidInput):
        await engine.audit.note("exported", "DOE^JANE")
    # A list of something is told by an id or a project that there is; else it might be a name.
    await engine.audit.note("exported", "to-come-pre_aaaaaaaa")
    for name in ("members-DOE_JANE", "members-", "log-Jane doe", "DOE-P"):
        with pytest.raises(InvalidInput):
            await engine.audit.note("exported", name)
    while len(events := (await engine.audit.list(AuditQuery(object="prearchive"))).rows) < 2:
        await engine.events.after("", 0, 0.1)
    exported, revealed = events
    assert (revealed.action, without_known(revealed)) == (
        "Revealed labels",
        {"reason": "which patient is it"},
    )
    assert (exported.action, without_known(exported)) == ("Exported a list", {"count": 12})


async def test_what_an_abort_cut_short_says_so_until_somebody_has_looked(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = image.SOPInstanceUID = "1.2.3.4.14"

    assert await store(port, mark, abort=True) == 0
    id = await one_session(engine, "1.2.3.4.14")

    async def cut() -> bool:
        return bool((await engine.prearchive.show(id)).cut_short)

    await until(engine, cut)
    (row,) = (await engine.prearchive.list(PrearchiveQuery(tag="1.2.3.4.14"))).rows
    assert row.cut_short == "aborted by the sender"
    seen, missing = await engine.prearchive.look((id, "pre_nothere"))
    assert seen.done and "aborted by the sender" in seen.message
    assert not missing.done
    assert (await engine.prearchive.show(id)).cut_short == ""
    (again,) = await engine.prearchive.look((id,))
    assert again.done and again.message == "it was not cut short"
    assert "seen by" in (await engine.prearchive.log(id))[-1].text

    async def recorded() -> bool:
        return bool((await engine.audit.list(AuditQuery(object=id, action="Looked at"))).rows)

    await until(engine, recorded)
    (event,) = (await engine.audit.list(AuditQuery(object=id, action="Looked at"))).rows
    assert without_known(event) == {"outcome": "aborted by the sender"}
