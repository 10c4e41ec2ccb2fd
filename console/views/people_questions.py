# SPDX-License-Identifier: Apache-2.0
"""What is asked before people are added, changed, given roles and answered, with the equivalent
commands. Pure; the engine decides what is allowed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from console.views.people import in_words
from console.views.question import (
    UNCHANGED,
    YES_NO,
    Answers,
    Field,
    Question,
    differing,
    edit_command,
    reason,
    yes_no,
)
from engine.model.errors import InvalidInput
from engine.model.people import AccessRequest, Role, SiteRole, User, role_named

_FLAGS = ("disabled", "sees_originals")
_TRAIL = "It is in force at once, and stands in the audit trail."


def new_user(projects: Sequence[str]) -> Question:
    """Ask for a user, and for what they are to be from the start."""

    def command(given: Answers) -> str:
        words = ["anteroom", "user", "add", given["login"] or "LOGIN"]
        for name in ("name", "uid", "role", "project"):
            words += [f"--{name}", given[name]] if given[name] else []
        return shlex.join(words)

    return Question(
        title="New user",
        act="Add",
        says=("A user is the Unix user of the same name, or the one of the number.",),
        fields=(
            Field(name="login", label="Login", needed=True),
            Field(name="name", label="Name", hint="what they are called"),
            Field(name="uid", label="Unix number", hint="empty: by the name"),
            Field(name="role", label="Role", choices=_roles(), hint="empty: none yet"),
            Field(name="project", label="Project", choices=tuple(projects), hint="empty: the site"),
        ),
        command=command,
        fault=lambda given: _wrong_role(given, projects),
    )


def edit_user(user: User) -> Question:
    """Ask for other values of a user."""
    now = values(user)

    def wrong(given: Answers) -> str:
        for name in _FLAGS:
            if given[name] not in YES_NO:
                return f"{name.replace('_', ' ')}: yes or no"
        return "" if changes(user, given) else UNCHANGED

    return Question(
        title=f"User {user.login}",
        act="Change it",
        says=("Who is disabled is signed out, and has no tokens any more.", _TRAIL),
        fields=(
            Field(name="name", label="Name", value=now["name"]),
            Field(name="email", label="E-mail", value=now["email"]),
            Field(name="uid", label="Unix number", value=now["uid"], hint="empty: by the name"),
            Field(
                name="sees_originals",
                label="Sees originals",
                value=now["sees_originals"],
                choices=YES_NO,
            ),
            Field(name="disabled", label="Disabled", value=now["disabled"], choices=YES_NO),
        ),
        command=lambda given: edit_command(("user", "set", user.login), changes(user, given)),
        fault=wrong,
    )


def values(user: User) -> dict[str, str]:
    """Return the values of a user as they are typed."""
    return {
        "name": user.name,
        "email": user.email,
        "uid": "" if user.uid is None else str(user.uid),
        "disabled": yes_no(user.disabled),
        "sees_originals": yes_no(user.sees_originals),
    }


def changes(user: User, given: Answers) -> dict[str, str]:
    """Return what differs, as the engine takes it."""
    return differing(values(user), given, _FLAGS)


def grant(holder: str, projects: Sequence[str], project: str = "") -> Question:
    """Ask for a role of somebody; with a project, for one there."""

    def command(given: Answers) -> str:
        words = ["anteroom", "user", "grant", given["holder"] or "LOGIN", given["role"] or "ROLE"]
        where = given.get("project", project)
        return shlex.join([*words, *(["--project", where] if where else [])])

    place = Field(name="project", label="Project", choices=tuple(projects), hint="empty: the site")
    return Question(
        title=f"Give a role in {project}" if project else "Give a role",
        act="Give it",
        says=(_TRAIL,),
        fields=(
            Field(
                name="holder",
                label="Who",
                value=holder,
                needed=True,
                hint="a login, or @ and a Unix group",
            ),
            Field(
                name="role",
                label="Role",
                needed=True,
                choices=tuple(Role) if project else _roles(),
            ),
            *(() if project else (place,)),
        ),
        command=command,
        fault=lambda given: _wrong_role(given, projects, project),
    )


def revoke(holder: str, held: Sequence[tuple[str, str]]) -> Question:
    """Ask which role is taken from somebody; `held` are roles and their projects."""
    by_words = {in_words(role, project): (role, project) for role, project in held}

    def command(given: Answers) -> str:
        role, project = by_words.get(given["role"], ("ROLE", ""))
        words = ["anteroom", "user", "revoke", holder, role.replace(" ", "-")]
        return shlex.join([*words, *(["--project", project] if project else [])])

    only = next(iter(by_words)) if len(by_words) == 1 else ""
    return Question(
        title=f"Take a role from {holder}?",
        act="Take it",
        says=(_TRAIL,),
        fields=(
            Field(name="role", label="Role", value=only, needed=True, choices=tuple(by_words)),
        ),
        command=command,
        fault=lambda given: (
            "" if given["role"] in by_words else f"one of {', '.join(map(repr, by_words))}"
        ),
    )


def accept(request: AccessRequest) -> Question:
    """Ask for the role that answers a request."""
    return Question(
        title=f"{request.login} asks for {in_words(request.role, request.project)}",
        act="Give it",
        rows=(f"reason   {request.reason}",) if request.reason else (),
        says=(_TRAIL,),
        fields=(_role_there(request.role.value),),
        command=lambda given: shlex.join(
            [
                *("anteroom", "user", "grant", request.login, given["role"] or "ROLE"),
                *("--project", request.project),
            ]
        ),
        fault=_no_role_there,
    )


def decline(request: AccessRequest) -> Question:
    """Ask before a request is answered with no."""
    return Question(
        title=f"Answer {request.login} with no?",
        act="Decline",
        rows=(f"asks for {in_words(request.role, request.project)}",),
        says=("They may ask again.",),
        fields=(reason(needed=False),),
        command=lambda given: shlex.join(
            [
                *("anteroom", "user", "decline", str(request.id)),
                *(["--reason", given["reason"]] if given.get("reason") else []),
            ]
        ),
    )


def ask(project: str) -> Question:
    """Ask for what somebody wants to be in a project."""
    return Question(
        title=f"Ask for access to {project}",
        act="Ask",
        says=("Its owners and the administrators see it, and answer.",),
        fields=(
            _role_there(Role.COLLABORATOR.value),
            Field(name="reason", label="Why", hint="for whoever answers: no patient names"),
        ),
        command=lambda given: shlex.join(
            [
                *("anteroom", "project", "ask", project, "--role", given["role"] or "ROLE"),
                *(["--reason", given["reason"]] if given.get("reason") else []),
            ]
        ),
        fault=_no_role_there,
    )


def _role_there(value: str) -> Field:
    return Field(name="role", label="Role", value=value, needed=True, choices=tuple(Role))


def _no_role_there(given: Answers) -> str:
    return "" if given["role"] in tuple(Role) else f"one of {', '.join(Role)}"


def _roles() -> tuple[str, ...]:
    return (*Role, *SiteRole)


def _wrong_role(given: Answers, projects: Sequence[str], project: str = "") -> str:
    """Say what is wrong with a role before anything is done: nobody is added for half of it."""
    role, where = given["role"], given.get("project", project)
    if where and where != project and where not in projects:
        return f"there is no project {where}"
    if where and not role:
        return "say which role in the project"
    try:
        if role:
            role_named(role, where)
    except InvalidInput as error:
        return f"{error.message}: {error.hint}"
    return ""
