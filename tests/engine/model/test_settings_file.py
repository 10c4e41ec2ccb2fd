# SPDX-License-Identifier: Apache-2.0
"""The settings file: what it gives, and that every fault is told with its place, never a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.archive import Durability
from engine.model.errors import Conflict, InvalidSettings, NotFound
from engine.model.settings import FileNames, LogLevel, NodeRole, PetMr, Settings
from engine.model.settings_file import default_text, load, parse, write_default

WHERE = Path("anteroom.yaml")


def told(text: str) -> list[str]:
    """Return the faults of a text as a person reads them."""
    return [str(problem) for problem in parse(text.encode(), WHERE)[1]]


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    file = tmp_path / "anteroom.yaml"
    file.write_text(
        """
        site_id: NORTH
        paths: {archive: /mnt/archive, trash: ~/trash}
        databases:
          archive_url: postgresql://anteroom@db/archive?schema=a
        dicom:
          ae_title: NO
          port: 11112
          durability: none
          file_names: as_received
          idle_timeout: 1.5
        session: {build_after: 2, check_every: 0.25}
        build: {checksums: off, pet_mr: pet}
        node:
          roles:
          - receiver
          - worker
        log: {level: debug}
        """
    )
    found = load(file)
    assert found.site_id == "NORTH"
    assert found.paths.archive == Path("/mnt/archive")
    assert found.paths.trash == Path.home() / "trash"
    assert found.paths.prearchive == tmp_path / "prearchive"
    assert found.databases.archive_url == "postgresql://anteroom@db/archive?schema=a"
    assert found.databases.prearchive_url == (
        f"sqlite+aiosqlite:///{tmp_path}/prearchive/prearchive.db"
    )
    assert found.dicom.ae_title == "NO"
    assert found.dicom.port == 11112
    assert found.dicom.durability is Durability.NONE
    assert found.dicom.file_names is FileNames.AS_RECEIVED
    assert found.dicom.idle_timeout == 1.5
    assert (found.session.build_after, found.session.check_every) == (2.0, 0.25)
    assert found.build.checksums is False
    assert found.build.pet_mr is PetMr.PET
    assert found.node.roles == (NodeRole.RECEIVER, NodeRole.WORKER)
    assert found.log.level is LogLevel.DEBUG


@pytest.mark.parametrize("text", ["", "# nothing", "---", "dicom:", "dicom: {}", "\ufeff# bom"])
def test_what_is_not_given_is_the_default(text: str) -> None:
    assert parse(text.encode(), WHERE) == (Settings(), [])


def test_all_faults_are_told_at_once_in_the_order_of_the_lines() -> None:
    assert told(
        r"""site_id: 1x
dicon:
  port: 3
dicom:
  ae_title: "A\\B"
  port: eighty
  port: 90
  workers: "4"
  max_pdu: 5
  durability: grup
  file_name_template: ${StudyInstanceUID}
  check_every: 3
http: 8080
node:
  roles: [api, api]
session:
  build_after:
build: {checksums: 1}
paths:
  archive: prearchive
log: {level: INFO}
? [a]
: b
"""
    ) == [
        "anteroom.yaml:1:10: site_id: expected a letter, then letters, digits, '_' or '-'",
        "anteroom.yaml:2:1: there is no setting dicon; did you mean dicom?",
        "anteroom.yaml:5:13: ae_title: expected an AE title: 1 to 16 printable ASCII characters, "
        "no backslash",
        "anteroom.yaml:6:9: port: expected a whole number",
        "anteroom.yaml:7:3: port is given twice, first on line 6",
        "anteroom.yaml:8:12: workers: expected a whole number, without quotes",
        "anteroom.yaml:9:12: max_pdu: expected a number from 4096 to 4194304 bytes",
        "anteroom.yaml:10:15: durability: expected one of group, none; did you mean group?",
        "anteroom.yaml:11:23: file_name_template: expected a template of ${Keyword} parts, "
        "letters, digits, '.', '_' and '-' that holds SOPInstanceUID, so that no two objects "
        "get one name",
        "anteroom.yaml:12:3: there is no setting dicom.check_every; "
        "check_every belongs under session",
        "anteroom.yaml:13:7: expected settings of the form 'name: value', one on a line",
        "anteroom.yaml:15:16: roles: api is given twice",
        "anteroom.yaml:17:15: build_after has no value: "
        "give one, or remove the line for the default",
        "anteroom.yaml:18:20: checksums: expected true or false",
        "anteroom.yaml:20:12: archive and prearchive may not be the same or inside another",
        "anteroom.yaml:21:14: level: expected one of debug, info, warning, error; "
        "did you mean info?",
        "anteroom.yaml:22:3: expected the name of a setting",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node: {roles: [worker, api]}", "1:15: roles: expected receiver and worker among the "),
        ("node: {roles: [receiver]}", "1:15: roles: expected receiver and worker among the "),
        ("build: {pet_mr: separate}", "1:17: pet_mr: expected pet, petmr or nothing; separate, "),
        (
            "projects: {default_prearchive_code: 5}",
            "1:37: default_prearchive_code: expected 0 or 4; 5, archiving that replaces",
        ),
        ("port: 1", "1:1: there is no setting port; port belongs under dicom"),
        ("xyzzy: 1", "1:1: there is no setting xyzzy; expected one of site_id, paths, "),
        ("- 1", "1:1: expected settings of the form 'name: value', one on a line"),
        ("dicom: {port: 0104}", "1:15: port: expected a whole number"),
        ("dicom: {port: 1:30}", "1:15: port: expected a whole number"),
        ("dicom: {port: 65536}", "1:15: port: expected a number from 0 to 65535"),
        ("dicom: {port: [1]}", "1:15: port: expected a whole number"),
        ("dicom: {port: " + "9" * 5000 + "}", "1:15: port: expected a whole number"),
        ("dicom: {host: ''}", "1:15: host: expected a host name or an address"),
        ("session: {build_after: .inf}", "1:24: build_after: expected a number of seconds"),
        ("session: {build_after: 0}", "1:24: build_after: expected a number from 0.05 to 604800"),
        ("node: {roles: api}", "1:15: roles: expected a list such as [receiver, worker, api]"),
        ("node: {roles: []}", "1:15: roles: expected a list such as [receiver, worker, api]"),
        ("node: {roles: [apy]}", "1:16: roles: expected one of receiver, worker, api; did you "),
        ("paths: {inbox: ''}", "1:16: inbox: expected a path"),
        ("paths: {inbox: ~nobody-by-this-name/x}", "1:16: inbox: expected a path; there is no"),
        ('paths: {inbox: "a\\0b"}', "1:16: inbox: expected a path"),
        ("a: [1", "1:6: not YAML: while parsing a flow sequence"),
        ("a: \x07", "1:4: a control character, which YAML does not allow"),
        ("a: 1\n---\nb: 2", "2:1: not YAML: expected a single document"),
        ("[" * 5000, "1:1: nested too deeply"),
        ("dicom: &a {ae_title: *a}", "1:8: ae_title: expected a text"),
    ],
)
def test_a_fault_says_where_and_what_was_expected(text: str, fault: str) -> None:
    faults = told(text)
    assert len(faults) == 1
    assert faults[0].startswith(f"anteroom.yaml:{fault}")


def test_bytes_that_are_no_text_are_placed_too() -> None:
    _, problems = parse(b"site_id: A\nlog: \xff", WHERE)
    assert [(p.line, p.column, p.message) for p in problems] == [(2, 6, "not UTF-8 text")]


def test_a_password_is_never_repeated() -> None:
    url = "mysql://user:hunter2@host/db"
    assert "hunter2" not in "".join(told(f"databases: {{archive_url: '{url}'}}"))


@settings(derandomize=True, max_examples=200)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda t: t.encode())))
def test_no_text_breaks_the_reader(content: bytes) -> None:
    found, problems = parse(content, WHERE)
    assert isinstance(found, Settings)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


_KEYS = ["dicom", "port", "site_id", "roles", "node", "paths", "archive", "level", "log"]
_TREES = st.recursive(
    st.sampled_from(["1", "api", "''", "~", "x: y", "*a", "!!int q"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(_KEYS), inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=200)
@given(_TREES)
def test_no_shape_of_a_file_breaks_the_reader(text: str) -> None:
    found, problems = parse(text.encode(), WHERE)
    assert isinstance(found, Settings)
    assert all(problem.message for problem in problems)


def test_the_written_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "anteroom.yaml"
    write_default(file)
    assert load(file) == Settings().resolved(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600


def test_every_line_of_the_written_file_can_be_taken_into_use() -> None:
    text = re.sub(r"^( *)#(\w+:)", r"\1\2", default_text(), flags=re.MULTILINE)
    assert "\n  port: 8104\n" in text
    assert parse(text.encode(), WHERE) == (Settings(), [])


def test_the_written_file_explains_every_setting() -> None:
    blocks = re.split(r"\n\s*\n", default_text())
    for block in blocks[1:]:
        assert re.match(r" *# \S", block), block
    assert max(len(line) for line in default_text().splitlines() if "$" not in line) <= 100


def test_a_settings_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "anteroom.yaml"
    file.write_text("site_id: MINE\n")
    with pytest.raises(Conflict):
        write_default(file)
    assert load(file).site_id == "MINE"


def test_a_missing_file_and_one_that_is_a_folder_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no settings file"):
        load(tmp_path / "anteroom.yaml")
    with pytest.raises(InvalidSettings, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_the_error_carries_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "anteroom.yaml"
    file.write_text("site_id: 1\nlog: 2\n")
    with pytest.raises(InvalidSettings, match=r"yaml:1:10: .* \(and 1 more\)") as caught:
        load(file)
    assert [problem.line for problem in caught.value.problems] == [1, 2]
