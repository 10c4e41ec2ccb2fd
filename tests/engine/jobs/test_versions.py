# SPDX-License-Identifier: Apache-2.0
"""Which rules, scripts and settings applied to a filed session, whatever was changed since."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from engine.archive import receivers, rules, scripts, site_settings, versions
from engine.archive.scripts import NewScript
from engine.archive.tables import ArchivedSessionRow
from engine.model.archive import Receiver
from engine.prearchive.tables import SessionRow
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready

RULES = "(0008,1030):(\\w+).*:1"


async def _configured(fixture: Fixture, *changes: Any) -> None:
    async with fixture.context.archive_db.write() as transaction:
        for change in changes:
            await change(transaction)


def _rule(scope: str, concept: str, text: str, *, enabled: bool = True) -> Any:
    return lambda session: rules.write(session, scope, concept, text, actor="ada", enabled=enabled)


def _script(scope: str, value: str) -> Any:
    new = NewScript(text=f'version "6.3"\n(0008,1010) := "{value}"\n', language=63)
    return lambda session: scripts.write(session, scope, new, actor="ada", enabled=True)


def _setting(name: str, value: str | None) -> Any:
    return lambda session: site_settings.change(session, {name: value}, "", actor="ada")


async def _applied(fixture: Fixture) -> list[tuple[str, str, str, str]]:
    async with fixture.context.archive_db.read() as transaction:
        accession = (await transaction.scalars(select(ArchivedSessionRow.id))).one()
        found = await versions.applied(transaction, accession)
    return [(one.step.value, one.kind, one.name, one.version) for one in found]


async def test_a_session_names_what_applied_to_it_and_what_came_later_does_not_matter(
    either: Fixture,
) -> None:
    await _configured(
        either,
        _rule("site", "project", RULES),
        _rule("site", "project", RULES + "\n# second"),
        _rule("site", "subject", RULES, enabled=False),
        _rule("receiver:ELSE", "project", RULES),
        _rule("receiver:CT1", "session", RULES),
        _script("site", "first"),
        _setting("session.build_after", "600"),
    )
    session = await ready(either)
    async with either.context.prearchive_db.write() as transaction:
        await transaction.execute(update(SessionRow).values(receiver="CT1"))
    # Between receipt and filing: it is the script of the project that counts then.
    await _configured(either, _script("site", "second"), _setting("session.build_after", None))
    await _configured(either, _script("project:P", "one"), _script("project:P", "two"))
    assert await archive(either, session) == ""
    expected = [
        ("received", "rules", "receiver:CT1/session", "1"),
        ("received", "rules", "site/project", "2"),
        ("received", "script", "site", "1"),
        ("received", "setting", "session.build_after", "600"),
        ("filed", "script", "project:P", "2"),
    ]
    assert await _applied(either) == expected
    await _configured(
        either,
        _rule("site", "project", ""),
        _script("project:P", "three"),
        lambda transaction: scripts.enable(transaction, "site", False, actor="ada"),
    )
    assert await _applied(either) == expected


async def test_a_receiver_that_does_not_anonymize_had_no_script(fixture: Fixture) -> None:
    plain = Receiver(ae_title="CT1", port=8200, anonymize=False)
    await _configured(
        fixture,
        lambda transaction: receivers.add(transaction, plain, actor="ada"),
        _script("site", "first"),
    )
    session = await ready(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        await transaction.execute(update(SessionRow).values(receiver="CT1"))
    assert await archive(fixture, session) == ""
    assert await _applied(fixture) == []


async def test_of_a_session_filed_before_its_receipt_was_kept_only_the_filing_is_known(
    fixture: Fixture,
) -> None:
    await _configured(fixture, _script("site", "first"), _script("project:P", "one"))
    assert await archive(fixture, await ready(fixture)) == ""
    async with fixture.context.archive_db.write() as transaction:
        gone = {"received_from": None, "received_to": None}
        await transaction.execute(update(ArchivedSessionRow).values(**gone))
    assert await _applied(fixture) == [("filed", "script", "project:P", "1")]
