# SPDX-License-Identifier: Apache-2.0
"""The settings: their defaults, what they become below a home, and changes for one run."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from engine.model.errors import InvalidInput
from engine.model.expectations import rule_of
from engine.model.settings import NodeRole, Settings


def test_the_defaults_are_those_of_xnat_where_it_has_one() -> None:
    settings = Settings()
    assert settings.dicom.port == 8104
    assert (settings.session.build_after, settings.session.check_every) == (300.0, 60.0)
    assert settings.projects.default_prearchive_code == 4
    assert settings.dicom.file_name_template == (
        "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}-${HashSOPClassUIDWithSOPInstanceUID}"
    )


def test_every_default_passes_its_own_rule() -> None:
    settings = Settings()
    sections = [getattr(settings, part.name) for part in fields(settings)]
    for section in [settings, *(value for value in sections if is_dataclass(value))]:
        for part in fields(section):
            rule = rule_of(type(section), part.name)
            assert rule is None or rule.holds(getattr(section, part.name)), part.name
    assert list(settings.clashes()) == []


def test_relative_paths_and_databases_start_at_the_home() -> None:
    settings = Settings().resolved(Path("/srv/anteroom"))
    assert settings.paths.prearchive == Path("/srv/anteroom/prearchive")
    assert settings.databases.archive_url == "sqlite+aiosqlite:////srv/anteroom/archive.db"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", settings.node.name)


def test_absolute_paths_and_servers_stay_what_they_are() -> None:
    given = Settings().override(
        {
            "paths.archive": Path("/mnt/archive"),
            "databases.archive_url": "postgresql://a@db/archive",
            "databases.prearchive_url": "sqlite:////var/lib/pre.db",
            "node.name": "north",
        }
    )
    settings = given.resolved(Path("/srv/anteroom"))
    assert settings.paths.archive == Path("/mnt/archive")
    assert settings.databases.archive_url == "postgresql://a@db/archive"
    assert settings.databases.prearchive_url == "sqlite:////var/lib/pre.db"
    assert settings.node.name == "north"
    assert settings.resolved(Path("/elsewhere")) == settings


def test_a_change_for_one_run_leaves_the_rest() -> None:
    settings = Settings().override(
        {"dicom.port": 0, "node.roles": (NodeRole.WORKER, NodeRole.RECEIVER), "site_id": "S"}
    )
    assert (settings.dicom.port, settings.site_id) == (0, "S")
    assert settings.dicom.ae_title == "ANTEROOM"
    assert settings.node.roles == (NodeRole.WORKER, NodeRole.RECEIVER)


def test_changes_for_one_run_obey_the_rules_of_the_file_and_are_all_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings().override({"dicom.ae_title": "A\\B", "dicom.port": 70_000, "http.port": 1})
    assert [problem.message.split(":")[0] for problem in caught.value.problems] == [
        "dicom.ae_title",
        "dicom.port",
    ]


@pytest.mark.parametrize(
    "template",
    [
        "${SOPInstanceUID}",
        "${SeriesNumber}-${SOPInstanceUID}.dcm",
        "${HashSOPClassUIDWithSOPInstanceUID}",
    ],
)
def test_file_name_templates_that_tell_objects_apart(template: str) -> None:
    settings = Settings().override({"dicom.file_name_template": template})
    assert settings.dicom.file_name_template == template


@pytest.mark.parametrize(
    "template",
    [
        "",
        "image",
        "${StudyInstanceUID}-${SeriesNumber}",
        "../${SOPInstanceUID}",
        ".${SOPInstanceUID}",
        "${SOPInstanceUID",
        "${SOPInstanceUID}/${InstanceNumber}",
    ],
)
def test_file_name_templates_that_would_overwrite_or_escape(template: str) -> None:
    with pytest.raises(InvalidInput):
        Settings().override({"dicom.file_name_template": template})


@pytest.mark.parametrize("title", ["A", "ANTEROOM", "A B", "1234567890123456", "A~!"])
def test_ae_titles_by_the_book(title: str) -> None:
    assert Settings().override({"dicom.ae_title": title}).dicom.ae_title == title


@pytest.mark.parametrize("title", ["", " ", "12345678901234567", "A\\B", "Ä", "A\n", "A\tB"])
def test_ae_titles_that_no_peer_could_send(title: str) -> None:
    with pytest.raises(InvalidInput):
        Settings().override({"dicom.ae_title": title})


@pytest.mark.parametrize(
    ("archive", "prearchive"), [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("/a", "/a/b/c")]
)
def test_stores_may_not_lie_in_one_another(archive: str, prearchive: str) -> None:
    with pytest.raises(InvalidInput, match="may not be the same or inside"):
        Settings().override({"paths.archive": Path(archive), "paths.prearchive": Path(prearchive)})


def test_the_prearchive_has_a_database_of_its_own() -> None:
    url = "postgresql://a@db/one"
    with pytest.raises(InvalidInput, match="a database of its own"):
        Settings().override({"databases.archive_url": url, "databases.prearchive_url": url})
