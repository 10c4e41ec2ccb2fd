# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from engine.archive.audit import heads, key
from engine.archive.audit.key import AuditKey
from engine.archive.audit.links import GENESIS, link_hash
from engine.archive.audit.trail import AuditChain, Recorded
from engine.archive.tables import AuditCheckpointRow, AuditRow
from engine.database.connection import Database
from engine.model.audit import AuditHead, head_line, read_heads
from engine.model.errors import Unavailable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS, THEIRS = AuditKey(b"o" * 32), AuditKey(b"t" * 32)


def _events(first: int, last: int) -> list[Recorded]:
    return [
        Recorded(
            id=f"event-{number}",
            at=NOON + timedelta(seconds=number),
            actor="ada",
            action="Transferred",
            object=f"XNAT_E{number:05d}",
            detail={"files": number},
        )
        for number in range(first, last + 1)
    ]


async def _tamper(archive: Database, *statements: str) -> None:
    """Do what somebody with the database's password could do."""
    if archive.is_sqlite:
        guards = [f"DROP TRIGGER IF EXISTS audit_not_{what}" for what in ("changed", "deleted")]
    else:
        guards = ["ALTER TABLE audit DISABLE TRIGGER ALL"]
    async with archive.write() as session:
        for statement in (*guards, *statements):
            await session.execute(text(statement))


async def _forge(archive: Database, first: int, **changed: str) -> None:
    """Change a link, and write hashes anew from there on: a chain that holds within itself."""
    async with archive.read() as session:
        rows = (await session.scalars(select(AuditRow).order_by(AuditRow.number))).all()
    previous, statements = GENESIS, []
    for row in rows:
        if row.number == first:
            for name, value in changed.items():
                setattr(row, name, value)
                statements.append(f"UPDATE audit SET {name} = '{value}' WHERE number = {first}")
        forged = link_hash(
            previous=previous,
            number=row.number,
            event=row.event,
            at=row.at,
            actor=row.actor,
            action=row.action,
            object=row.object,
            detail=row.detail,
        )
        statements.append(
            f"UPDATE audit SET previous = '{previous}', hash = '{forged}'"
            f" WHERE number = {row.number}"
        )
        previous = forged
    await _tamper(archive, *statements)


async def _head(archive: Database, number: int, signer: AuditKey = OURS) -> AuditHead:
    async with archive.read() as session:
        row = await session.get_one(AuditRow, number)
    return signer.sign(number, row.hash, NOON)


async def _checkpoints(archive: Database) -> list[int]:
    async with archive.read() as session:
        query = select(AuditCheckpointRow.number).order_by(AuditCheckpointRow.number)
        return list(await session.scalars(query))


async def test_a_verification_goes_on_from_the_newest_checkpoint(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 5))
    first = await chain.verify()
    assert (first.ok, first.checked, first.message) == (True, 5, "all 5 links hold")
    await chain.append(_events(6, 8))
    report = await chain.verify()
    assert (report.ok, report.checked, report.start, report.last) == (True, 3, 5, 8)
    assert report.message.startswith("links 6 to 8 hold; the 5 before held at ")
    again = await chain.verify()
    assert (again.ok, again.checked) == (True, 0)
    assert again.message.startswith("no new links; the 8 before held at ")
    everything = await chain.verify(whole=True)
    assert (everything.ok, everything.checked) == (True, 8)
    assert await _checkpoints(archive) == [5, 8]


async def test_without_a_key_every_link_is_read_and_nothing_is_written(archive: Database) -> None:
    await AuditChain(archive).append(_events(1, 4))
    for _ in range(2):
        assert (await AuditChain(archive).verify()).checked == 4
    assert await _checkpoints(archive) == []


async def test_an_edit_before_the_checkpoint_is_found_when_everything_is_read(
    archive: Database,
) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 6))
    await chain.verify()
    await _tamper(archive, "UPDATE audit SET actor = 'eve' WHERE number = 3")
    assert (await chain.verify()).ok
    report = await chain.verify(whole=True)
    assert (report.ok, report.broken) == (False, 3)
    assert "was changed" in report.message
    # A look at the newest links does not make it whole again.
    await chain.verify()
    assert chain.known is not None and not chain.known.ok


@pytest.mark.parametrize(
    ("statement", "broken", "said"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE number = 7", 7, "was changed"),
        ("DELETE FROM audit WHERE number = 7", 7, "is missing"),
        (
            "INSERT INTO audit (number, event, at, actor, action, object, detail, previous, hash)"
            " SELECT 9, 'forged', at, 'eve', action, object, detail, previous, hash FROM audit"
            " WHERE number = 8",
            9,
            "does not follow",
        ),
    ],
)
async def test_what_is_done_after_the_checkpoint_is_found_at_once(
    archive: Database, statement: str, broken: int, said: str
) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 5))
    await chain.verify()
    await chain.append(_events(6, 8))
    await _tamper(archive, statement)
    report = await chain.verify()
    assert (report.ok, report.broken) == (False, broken)
    assert said in report.message
    assert await _checkpoints(archive) == [5]


async def test_links_that_were_exchanged_are_found(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 5))
    swap = [
        f"UPDATE audit SET number = {new} WHERE number = {old}"
        for old, new in ((2, 99), (3, 2), (99, 3))
    ]
    await _tamper(archive, *swap)
    report = await chain.verify()
    assert (report.ok, report.broken) == (False, 2)


async def test_a_tail_that_was_cut_is_found_by_a_checkpoint(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 4))
    await chain.verify()
    await chain.append(_events(5, 8))
    await chain.verify()
    await _tamper(archive, "DELETE FROM audit WHERE number > 6")
    for report in (await chain.verify(), await chain.verify(whole=True)):
        assert (report.ok, report.broken, report.missing) == (False, 7, (7, 8))
        assert "the newest links are gone" in report.message
    found = await chain.compare()
    assert found is not None and found.broken == 7


async def test_a_tail_that_was_cut_with_its_checkpoints_is_found_by_a_head(
    archive: Database, tmp_path: Path
) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 8))
    await chain.verify()
    head = await _head(archive, 8)
    await _tamper(archive, "DELETE FROM audit WHERE number > 6", "DELETE FROM audit_checkpoints")
    assert (await AuditChain(archive, OURS).verify()).ok
    report = await AuditChain(archive, OURS).verify(heads=[head])
    assert (report.ok, report.broken, report.missing) == (False, 7, (7, 8))
    file = tmp_path / "heads"
    heads.add(file, head)
    for kept in (AuditChain(archive, OURS, file), AuditChain(archive, THEIRS, file)):
        found = await kept.verify()
        assert (found.ok, found.broken) == (False, 7)


@pytest.mark.parametrize("first", [1, 3, 6])
async def test_a_chain_that_was_written_anew_is_found_by_checkpoint_and_head(
    archive: Database, first: int
) -> None:
    chain = AuditChain(archive, OURS)
    for last in (2, 4, 8):
        await chain.append(_events(last // 2 + 1 if last > 2 else 1, last))
        await chain.verify()
    head = await _head(archive, 8)
    vouched = {1: 0, 3: 2, 6: 4}[first]
    await _forge(archive, first, actor="eve")
    report = await chain.verify()
    assert (report.ok, report.broken) == (False, vouched + 1)
    assert "was written anew" in report.message
    await _tamper(archive, "DELETE FROM audit_checkpoints")
    blind = AuditChain(archive, OURS)
    assert (await blind.verify(heads=[head])).broken == 1
    assert not (await blind.verify(whole=True, heads=[head])).ok


async def test_checkpoints_of_somebody_elses_key_vouch_for_nothing(archive: Database) -> None:
    await AuditChain(archive, OURS).append(_events(1, 6))
    await AuditChain(archive, OURS).verify()
    await _forge(archive, 2, actor="eve")
    await _tamper(archive, "DELETE FROM audit_checkpoints")
    await AuditChain(archive, THEIRS).verify()
    await _tamper(archive, "UPDATE audit SET actor = 'mal' WHERE number = 4")
    report = await AuditChain(archive, OURS).verify()
    assert (report.ok, report.broken, report.start) == (False, 4, 0)


async def test_a_checkpoint_that_was_changed_is_found(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 6))
    await chain.verify()
    await _forge(archive, 2, actor="eve")
    forged = (await _head(archive, 6)).hash
    await _tamper(archive, f"UPDATE audit_checkpoints SET hash = '{forged}'")
    report = await chain.verify()
    assert not report.ok
    assert report.message == "its checkpoint of link 6 was changed"
    assert report.checked == 6


async def test_a_head_that_was_changed_is_found(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    await chain.append(_events(1, 3))
    changed = replace(await _head(archive, 3), at=NOON + timedelta(days=1))
    report = await chain.verify(heads=[changed])
    assert (report.ok, report.message) == (False, "the head given of link 3 was changed")


async def test_a_head_from_before_the_first_event_holds(archive: Database) -> None:
    chain = AuditChain(archive, OURS)
    empty = OURS.sign(0, GENESIS, NOON)
    assert (await chain.verify(heads=[empty])).ok
    await chain.append(_events(1, 2))
    assert (await chain.verify(heads=[empty])).checked == 2


def test_heads_are_found_on_lines_of_any_log() -> None:
    head = OURS.sign(7, "ab" * 32, NOON)
    line = head_line(head)
    log = f"noise\n<85>1 2026 host anteroom - - {line} trailing\n{line[:40]}\n{line}\n"
    assert list(read_heads(log)) == [head, head]
    for wrong in (
        '{"audit_head":"7"}',
        '{"audit_head":-1,"hash":"' + "0" * 64 + '","at":"2026-01-01T00:00:00Z","key":"","mac":""}',
        '{"audit_head":1,"hash":"x","at":"2026-01-01T00:00:00Z","key":"","mac":""}',
        '{"audit_head":1,"hash":"' + "0" * 64 + '","at":"2026-01-01T00:00:00","key":"","mac":""}',
        '{"audit_head":' + "[" * 5000,
    ):
        assert list(read_heads(wrong)) == []


def test_a_head_is_added_after_a_torn_line(tmp_path: Path) -> None:
    file, head = tmp_path / "heads", OURS.sign(7, "ab" * 32, NOON)
    assert heads.read(file) == ()
    heads.add(file, head)
    with file.open("a") as torn:
        torn.write(head_line(head)[:50])
    heads.add(file, head)
    assert heads.read(file) == (head, head)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / key.NAME
    made = key.get_or_make(file)
    file.chmod(0o644)
    assert key.get_or_make(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [key.NAME]
    assert made.secret.hex() not in repr(made)
    file.write_text("nothing")
    with pytest.raises(Unavailable, match="does not hold the key"):
        key.get_or_make(file)
