# SPDX-License-Identifier: Apache-2.0
"""`anteroom user`, and signing in: who is added, granted and refused, what is asked for and never
shown, and that a sign-in goes on until it ends."""

from __future__ import annotations

import getpass
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from platformdirs import user_state_path

from console.runtime.identity import TOKEN_VARIABLE, USER_VARIABLE
from engine.model.people import Grant, Role, User
from tests.console.conftest import CommandLine
from tests.memory import Facts

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Provide the person empty folders, and nothing in the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in (USER_VARIABLE, TOKEN_VARIABLE):
        monkeypatch.delenv(name, raising=False)


class Terminal:
    """Somebody who types passwords."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.types: list[str] = []

    def __call__(self, prompt: str = "") -> str:
        """Type the next one."""
        self.prompts.append(prompt)
        return self.types.pop(0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Provide a terminal on which passwords are typed, each of them asked for."""
    terminal = Terminal()
    monkeypatch.setattr(getpass, "getpass", terminal)
    yield terminal
    assert not terminal.types


async def _project(anteroom: CommandLine) -> None:
    assert (await anteroom("project", "add", "NEURO3")).code == 0


async def test_users_are_added_with_roles_shown_and_changed(
    anteroom: CommandLine, facts: Facts
) -> None:
    await _project(anteroom)
    assert "add one" in (await anteroom("user", "list")).out
    ran = await anteroom("user", "add", "ada", "--name", "Ada Kern", "--uid", "1004")
    assert ran.out.splitlines() == [
        "user ada is added",
        "they may do nothing yet: anteroom user grant ada ROLE [--project PROJECT]",
    ]
    ran = await anteroom("user", "add", "mk", "--role", "reviewer", "--project", "NEURO3")
    assert (ran.code, ran.out) == (0, "user mk is added: NEURO3 reviewer\n")
    ran = await anteroom("user", "set", "ada", "disabled=true", "uid=")
    assert ran.code == 0 and "disabled" in ran.out and "called ada" in ran.out
    ran = await anteroom("user", "show", "mk")
    lines = dict(line.split(maxsplit=1) for line in ran.out.splitlines() if line.startswith("may"))
    assert lines == {"may": "in NEURO3   know, watch, triage"}
    rows = (await anteroom("user", "list", "--json")).json
    assert [row["login"] for row in rows] == ["ada", "mk"]
    head, first, _ = (await anteroom("user", "list")).out.splitlines()
    assert head.split() == ["LOGIN", "NAME", "UID", "SITE", "ROLE", "PROJECTS", "SEEN", "STATE"]
    assert first.split() == ["ada", "Ada", "Kern", "disabled"]


async def test_a_mistyped_role_or_project_adds_nobody(anteroom: CommandLine, facts: Facts) -> None:
    await _project(anteroom)
    for words, said in (
        (("--role", "boss"), "'boss' is no role for the site"),
        (("--role", "owner"), "name the project"),
        (("--role", "admin", "--project", "NEURO3"), "leave the project out"),
        (("--project", "NEURO3"), "say which: --role reviewer"),
        (("--role", "owner", "--project", "NONE"), "project"),
    ):
        ran = await anteroom("user", "add", "ada", *words)
        assert (ran.code, said in ran.err) == (1, True), ran.err
    assert not facts.users


async def test_roles_are_granted_to_users_and_groups_and_taken_back(
    anteroom: CommandLine, facts: Facts
) -> None:
    await _project(anteroom)
    facts.users["ada"] = User(login="ada")
    ran = await anteroom("user", "grant", "ada", "data-access")
    assert (ran.code, ran.out) == (0, "ada is data access for the site\n")
    ran = await anteroom("user", "grant", "@radiology", "watcher", "--project", "NEURO3")
    assert (ran.code, ran.out) == (0, "@radiology is watcher in NEURO3\n")
    _, row = (await anteroom("user", "groups")).out.splitlines()
    assert row.split() == ["@radiology", "NEURO3", "watcher"]
    ran = await anteroom("project", "members", "NEURO3")
    assert ran.out.splitlines()[1].split()[:2] == ["@radiology", "watcher"]
    ran = await anteroom("user", "revoke", "ada", "data-access")
    assert (ran.code, ran.out) == (0, "ada is no longer data access for the site\n")
    ran = await anteroom("user", "revoke", "ada", "owner", "--project", "NEURO3")
    assert (ran.code, "ada is no owner" in ran.err) == (1, True)


async def test_access_is_asked_for_and_answered(anteroom: CommandLine, facts: Facts) -> None:
    await _project(anteroom)
    facts.users["ada"] = User(login="ada")
    assert (await anteroom("user", "requests")).out == "nobody asks for access\n"
    for _ in range(2):
        ran = await anteroom("project", "ask", "NEURO3", "--role", "member", "--reason", "a study")
        assert (ran.code, ran.out) == (0, "the owners of NEURO3 are asked to make you member\n")
    (first, _) = (await anteroom("user", "requests", "--json")).json
    assert (first["project"], first["role"], first["reason"]) == ("NEURO3", "member", "a study")
    ran = await anteroom("user", "decline", "1", "--reason", "full")
    assert (ran.code, ran.out) == (0, "request 1 is declined\n")
    assert [each.id for each in facts.access_requests] == [2]


async def test_a_password_is_asked_for_twice_and_never_written(
    anteroom: CommandLine, facts: Facts, terminal: Terminal
) -> None:
    facts.users["ada"] = User(login="ada")
    terminal.types = [PASSWORD, PASSWORD]
    ran = await anteroom("user", "password", "ada")
    assert (ran.code, ran.out, ran.err) == (0, "ada has a new password\n", "")
    assert terminal.prompts == ["New password of ada: ", "The same once more: "]
    assert facts.passwords == {"ada": PASSWORD}
    terminal.types = [PASSWORD, "another one entirely"]
    ran = await anteroom("user", "password", "ada")
    assert (ran.code, "two different" in ran.err, PASSWORD in ran.err) == (1, True, False)
    assert facts.passwords == {"ada": PASSWORD}
    ran = await anteroom("user", "password", "ada", "--stdin", stdin="quite another one\r\n")
    assert (ran.code, facts.passwords) == (0, {"ada": "quite another one"})
    ran = await anteroom("user", "password", "ada", "--stdin", stdin="")
    assert (ran.code, "--none" in ran.err) == (1, True)
    ran = await anteroom("user", "password", "ada", "--none")
    assert (ran.out, facts.passwords) == ("ada has no password any more\n", {"ada": ""})


async def test_where_no_terminal_is_nothing_is_asked(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts.users["ada"] = User(login="ada")

    def none(prompt: str = "") -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", none)
    ran = await anteroom("user", "password", "ada")
    assert ran.code == 1
    assert "no terminal" in ran.err and TOKEN_VARIABLE in ran.err


async def test_a_token_is_written_once_works_and_is_revoked(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts.users["ada"] = User(
        login="ada", grants=(Grant(role=Role.REVIEWER.value, project="NEURO3"),)
    )
    ran = await anteroom("user", "token", "ada", "--note", "nightly", "--hours", "4", "--once")
    alias, _, secret = ran.out.strip().partition(":")
    assert (ran.code, secret) == (0, facts.tokens[alias].secret)
    assert "for a single use" in ran.err and secret not in ran.err
    assert secret not in (await anteroom("user", "tokens", "ada", "--json")).out
    monkeypatch.setenv(TOKEN_VARIABLE, f"{alias}:{secret}")
    ran = await anteroom("user", "whoami")
    assert ran.out.splitlines() == [
        "user            ada",
        f"known by        token {alias[:6]}",
        "in NEURO3       reviewer",
        "sees originals  no",
        "may in NEURO3   know, watch, triage",
    ]
    ran = await anteroom("user", "revoke-token", alias)
    assert (ran.code, ran.out) == (0, f"token {alias[:6]} of ada is revoked\n")
    ran = await anteroom("user", "whoami")
    assert (ran.code, TOKEN_VARIABLE in ran.err, secret in ran.err) == (1, True, False)
    monkeypatch.setenv(TOKEN_VARIABLE, "nonsense")
    ran = await anteroom("user", "whoami")
    assert (ran.code, "ALIAS:SECRET" in ran.err) == (1, True)


async def test_a_sign_in_goes_on_until_it_is_over_or_left(
    anteroom: CommandLine, facts: Facts, terminal: Terminal
) -> None:
    facts.users["ada"] = User(login="ada", password_set=datetime.now(UTC))
    facts.passwords["ada"] = PASSWORD
    terminal.types = ["a wrong one, entirely"]
    ran = await anteroom("--user", "ada", "user", "whoami")
    assert (ran.code, "no user with this password" in ran.err) == (1, True)
    terminal.types = [PASSWORD]
    for words in (("--user", "ada", "user", "whoami"), ("user", "whoami")):
        ran = await anteroom(*words)
        assert ran.out.splitlines()[:2] == [
            "user            ada",
            "known by        sign-in",
        ]
    (kept,) = user_state_path("anteroom").glob("sign-in-*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()

    facts.signed_in.clear()
    ran = await anteroom("user", "whoami")
    assert ran.code == 1
    assert "the sign-in of ada is over" in ran.err and "user sign-out" in ran.err
    terminal.types = [PASSWORD]
    assert (await anteroom("--user", "ada", "user", "whoami")).code == 0

    ran = await anteroom("user", "sign-out")
    assert (ran.out, facts.signed_in) == ("ada is signed out\n", {})
    assert not list(user_state_path("anteroom").glob("sign-in-*"))
    assert (await anteroom("user", "sign-out")).out == "nobody is signed in\n"
    assert "admin" in (await anteroom("user", "whoami")).out


async def test_somebody_signs_in_by_name_and_a_file_that_others_can_read_is_not_taken(
    anteroom: CommandLine, facts: Facts, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts.users["ada"] = User(login="ada")
    facts.passwords["ada"] = PASSWORD
    assert (await anteroom("user", "sign-in")).code == 1
    terminal.types = [PASSWORD]
    ran = await anteroom("user", "sign-in", "ada")
    assert (ran.code, ran.out.startswith("ada is signed in")) == (0, True)
    (kept,) = user_state_path("anteroom").glob("sign-in-*")
    kept.chmod(0o644)
    ran = await anteroom("user", "whoami")
    assert (ran.code, "open to others" in ran.err) == (1, True)
    kept.write_text("{")
    kept.chmod(0o600)
    assert "admin" in (await anteroom("user", "whoami")).out
    terminal.types = [PASSWORD]
    monkeypatch.setenv(USER_VARIABLE, "ada")
    assert "sign-in" in (await anteroom("user", "whoami")).out


async def test_who_signs_in_where_no_engine_runs_is_asked_for_nothing(
    alone: CommandLine, terminal: Terminal
) -> None:
    ran = await alone("--user", "ada", "user", "whoami")
    assert (ran.code, "no engine is running" in ran.err) == (1, True)
    assert not terminal.prompts


async def test_whoever_shows_something_does_so_to_an_engine(
    alone: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await alone("init")).code == 0
    monkeypatch.setenv(TOKEN_VARIABLE, "alias:secret")
    ran = await alone("user", "list")
    assert (ran.code, "no engine is running" in ran.err) == (1, True)
