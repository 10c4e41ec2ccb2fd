# SPDX-License-Identifier: Apache-2.0
"""Settings that are changed while an engine runs: they are in force at once, survive it, and never
stop it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from engine.archive.tables import SiteSettingRow
from engine.model.archive import AuditQuery
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.health import Finding
from engine.model.home import Home
from engine.model.settings import Settings
from engine.model.site_settings import CHANGEABLE, Given, lay_over, listed, read
from engine.service.engine import Engine
from tests.line.serving import Served
from tests.memory.people import NOW


def given(**values: str) -> dict[str, Given]:
    return {
        name.replace("__", "."): Given(value=value, by="ada", at=NOW)
        for name, value in values.items()
    }


def test_every_changeable_setting_takes_its_own_default_back() -> None:
    rows = {row.name: row for row in listed(Settings(), {})}
    assert rows.keys() >= CHANGEABLE
    for name in CHANGEABLE:
        section, _, key = name.partition(".")
        assert read(name, rows[name].value) == getattr(getattr(Settings(), section), key), name
        assert rows[name].meaning and rows[name].takes and rows[name].changeable


@pytest.mark.parametrize(
    ("name", "text", "kind", "said"),
    [
        ("session.build_after", "soon", InvalidInput, "session.build_after: expected"),
        ("session.build_after", "0", InvalidInput, "a number from 0.05"),
        ("session.build_after", "1\nnode: x", InvalidInput, "one line"),
        ("build.pet_mr", "separate", InvalidInput, "does not work yet"),
        ("disk.keep_free", "[1, 2]", InvalidInput, "a whole number"),
        ("session.bild_after", "1", NotFound, "no setting session.bild_after"),
        ("session", "1", NotFound, "no setting session"),
        ("__class__.x", "1", NotFound, "no setting"),
        ("paths.archive", "/x", Refused, "settings file"),
        ("databases.archive_url", "sqlite:///x", Refused, "settings file"),
    ],
)
def test_what_is_wrong_is_said_by_name(
    name: str, text: str, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said.replace("[", r"\[")):
        read(name, text)


def test_what_contradicts_the_file_or_is_no_longer_right_is_left_out_and_told() -> None:
    file = Settings().override({"trash.prearchive_days": 300})
    set_here = given(
        retention__receipts_days="200",
        session__build_after="never",
        trash__gone="1",
        session__check_every="5",
    )
    in_force, faults = lay_over(file, set_here)
    assert in_force.session.check_every == 5
    assert in_force.retention.receipts_days == Settings().retention.receipts_days
    assert sorted(faults) == ["retention.receipts_days", "session.build_after", "trash.gone"]
    rows = {row.name: row for row in listed(file, set_here)}
    assert rows["session.check_every"].origin == "here"
    assert rows["trash.prearchive_days"].origin == "file"
    assert (rows["session.build_after"].origin, rows["session.build_after"].value) == (
        "default",
        "300",
    )
    assert "expected" in rows["session.build_after"].fault


async def test_settings_are_in_force_at_once_and_after_a_start(tmp_path: Path) -> None:
    served = Served(tmp_path / "home", {"dicom": {"workers": 1}})
    found = Home.find(served.home, {})
    settings = found.ensure().override({"dicom.port": 0})
    engine = await Engine.start(found, settings)
    ada = engine.acting("ada")
    snapshot = engine.configuration.snapshot
    assert snapshot is not None
    rows = await ada.settings.set(
        {"session.build_after": "17", "dicom.max_header": "131072", "disk.keep_free": "1000000000"},
        "the new scanner pauses",
    )
    assert {row.by for row in rows if row.origin == "here"} == {"ada"}
    assert engine.settings.session.build_after == engine.context.settings.session.build_after == 17
    assert engine.configuration.snapshot is not None
    assert engine.configuration.snapshot.max_header == 131072
    assert (await ada.system.status()).build_after == 17
    with pytest.raises(InvalidInput):
        await ada.settings.set({"session.build_after": "9", "retention.receipts_days": "1"})
    assert engine.settings.session.build_after == 17
    await engine.relay.drain()
    events = (await ada.audit.list(AuditQuery(action="Set"))).rows
    assert {event.object for event in events} == {
        "session.build_after",
        "dicom.max_header",
        "disk.keep_free",
    }
    assert events[0].detail["reason"] == "the new scanner pauses"
    await engine.stop()

    engine = await Engine.start(found, settings)
    ada = engine.acting("ada")
    assert engine.settings.session.build_after == 17
    await ada.settings.reset(("session.build_after",))
    assert engine.settings.session.build_after == settings.session.build_after
    async with engine.context.archive_db.write() as transaction:
        await transaction.execute(
            update(SiteSettingRow)
            .where(SiteSettingRow.name == "dicom.max_header")
            .values(value="as much as there is")
        )
    await engine.apply_configuration()
    (check,) = [one for one in await ada.system.checks() if one.name == "settings"]
    assert check.finding is Finding.LOOK
    assert "dicom.max_header" in check.found
    await engine.stop()
