# SPDX-License-Identifier: Apache-2.0
"""`anteroom user`: who may do what: users, their roles, and what they sign in with. No password is
ever part of a command: it is asked for without echo, or read from standard input."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from console.commands.asking import asks, before, failing, find_home, pairs, run
from console.commands.options import HomeOption, Json, Reason
from console.commands.output import Column, say, say_facts, say_json, say_rows, warn, words
from console.views.people import (
    everywhere,
    permissions_of,
    project_roles,
    roles_in_words,
    site_roles,
    standing,
)
from engine.model.errors import InvalidInput
from engine.model.people import (
    AccessRequest,
    Group,
    Permission,
    Token,
    User,
    WhoAmI,
    role_named,
)
from engine.service.api import EngineApi

app = typer.Typer(
    name="user",
    help="Who may do what: users, their roles, passwords and tokens.",
    no_args_is_help=True,
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="Login of the user.")]
OwnLogin = Annotated[
    str, typer.Argument(metavar="[LOGIN]", help="Login of the user; your own if none is given.")
]
Holder = Annotated[
    str, typer.Argument(metavar="LOGIN|@GROUP", help="A user, or everybody in a Unix group.")
]
RoleName = Annotated[
    str,
    typer.Argument(
        metavar="ROLE",
        help="In a project owner, member, collaborator, reviewer or watcher; for the site admin, "
        "data-admin, data-access or site-watcher.",
    ),
]
InProject = Annotated[
    str, typer.Option("--project", metavar="PROJECT", help="The project; without one, the site.")
]


def _groups(rows: tuple[Group, ...]) -> str:
    return "; ".join(f"@{row.name}: {roles_in_words(row.grants)}" for row in rows)


COLUMNS = (
    Column[User]("LOGIN", lambda row: row.login),
    Column[User]("NAME", lambda row: row.name),
    Column[User]("UID", lambda row: row.uid),
    Column[User]("SITE ROLE", lambda row: site_roles(row.grants)),
    Column[User]("PROJECTS", lambda row: project_roles(row.grants)),
    Column[User]("SEEN", lambda row: row.last_seen),
    Column[User]("STATE", standing),
)
GROUPS = (
    Column[Group]("GROUP", lambda row: f"@{row.name}"),
    Column[Group]("SITE ROLE", lambda row: site_roles(row.grants)),
    Column[Group]("PROJECTS", lambda row: project_roles(row.grants)),
)
TOKENS = (
    Column[Token]("ALIAS", lambda row: row.alias),
    Column[Token]("NOTE", lambda row: row.note),
    Column[Token]("MADE", lambda row: row.created),
    Column[Token]("UNTIL", lambda row: row.expires),
    Column[Token]("ONCE", lambda row: row.single_use),
    Column[Token]("USED", lambda row: row.used),
    Column[Token]("REVOKED", lambda row: row.revoked),
)
REQUESTS = (
    Column[AccessRequest]("NUMBER", lambda row: row.id, right=True),
    Column[AccessRequest]("USER", lambda row: row.login),
    Column[AccessRequest]("PROJECT", lambda row: row.project),
    Column[AccessRequest]("ROLE", lambda row: row.role),
    Column[AccessRequest]("ASKED", lambda row: row.at),
    Column[AccessRequest]("REASON", lambda row: row.reason),
)


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the users with their roles."""
    say_rows(
        await engine.people.list(),
        COLUMNS,
        none="no user; add one: anteroom user add LOGIN",
        as_json=as_json,
    )


@asks(app, "groups", alone=True)
async def groups(engine: EngineApi, as_json: Json = False) -> None:
    """List the Unix groups that have roles."""
    say_rows(
        await engine.people.groups(),
        GROUPS,
        none="no group has a role; give one: anteroom user grant @GROUP ROLE",
        as_json=as_json,
    )


@asks(app, "show", alone=True)
async def show(engine: EngineApi, login: Login, as_json: Json = False) -> None:
    """Show a user: roles, how they are known, and what they may do."""
    _say(await engine.people.show(login), as_json)


@asks(app, "add", alone=True)
async def add(
    engine: EngineApi,
    login: Login,
    name: Annotated[str, typer.Option("--name", help="What they are called.")] = "",
    email: Annotated[str, typer.Option("--email", help="Where they read mail.")] = "",
    uid: Annotated[
        int | None,
        typer.Option(
            "--uid", help="The Unix user that this is; without it, the one of the same name."
        ),
    ] = None,
    role: Annotated[str, typer.Option("--role", help="A role from the start.")] = "",
    project: InProject = "",
    as_json: Json = False,
) -> None:
    """Add a user; with --role one who may do something at once."""
    if project and not role:
        raise InvalidInput("a project without a role", hint="say which: --role reviewer")
    if role:
        # Both before anybody is added: a mistyped role leaves nothing behind.
        role_named(role, project)
    if project:
        await engine.projects.show(project)
    values = {"name": name, "email": email} | ({} if uid is None else {"uid": str(uid)})
    await engine.people.add(login, {key: value for key, value in values.items() if value})
    if role:
        await engine.people.grant(login, role, project)
    user = await engine.people.show(login)
    if as_json:
        say_json(user)
        return
    say(f"user {login} is added{f': {roles_in_words(user.grants)}' if user.grants else ''}")
    if not role:
        say(f"they may do nothing yet: anteroom user grant {login} ROLE [--project PROJECT]")


@asks(app, "set", alone=True)
async def set_(
    engine: EngineApi,
    login: Login,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="name, email, uid (empty for none), disabled, sees_originals.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Change values of a user, e.g. `user set ada disabled=true`."""
    _say(await engine.people.set(login, pairs(values)), as_json)


@asks(app, "grant", alone=True)
async def grant(engine: EngineApi, holder: Holder, role: RoleName, project: InProject = "") -> None:
    """Grant a role in a project or for the site; it answers a request for access."""
    await engine.people.grant(holder, role, project)
    say(f"{holder} is {role_named(role, project)} {_where(project)}")


@asks(app, "revoke", alone=True)
async def revoke(
    engine: EngineApi, holder: Holder, role: RoleName, project: InProject = ""
) -> None:
    """Take a role away."""
    await engine.people.revoke(holder, role, project)
    say(f"{holder} is no longer {role_named(role, project)} {_where(project)}")


@asks(app, "password", alone=True)
async def password(
    engine: EngineApi,
    login: OwnLogin = "",
    from_stdin: Annotated[
        bool,
        typer.Option(
            "--stdin", help="Read it from standard input, a line; before it the old one, if asked."
        ),
    ] = False,
    none: Annotated[bool, typer.Option("--none", help="Take no password any more.")] = False,
) -> None:
    """Set a password, of 12 characters at least; whoever is no administrator gives the old one."""
    asking = await engine.people.who_am_i()
    user = await engine.people.show(login or asking.login)
    knows_old = Permission.ADMINISTER.value in asking.permissions.get("", ())
    old = ""
    if user.password_set is not None and not knows_old:
        old = _secret("Old password: ", from_stdin)
    new = "" if none else _secret(f"New password of {user.login}: ", from_stdin)
    if not none and not from_stdin and new != _secret("The same once more: ", from_stdin):
        raise InvalidInput("these were two different passwords; none is set")
    if not new and not none:
        raise InvalidInput("no password was given", hint="take the one away with --none")
    await engine.people.set_password(user.login, new, old)
    say(f"{user.login} has {'no password any more' if none else 'a new password'}")


@asks(app, "token", alone=True)
async def token(
    engine: EngineApi,
    login: OwnLogin = "",
    note: Annotated[str, typer.Option("--note", help="What it is for; name no patient.")] = "",
    hours: Annotated[int, typer.Option("--hours", min=1, help="How long it is good.")] = 48,
    once: Annotated[bool, typer.Option("--once", help="Good for a single use.")] = False,
    as_json: Json = False,
) -> None:
    """Make a token, which lets a program act as a user; its secret is written this once."""
    made = await engine.people.issue_token(login, note, hours, once)
    if as_json:
        say_json(made)
        return
    say(f"{made.token.alias}:{made.secret}")
    until = words(made.token.expires)
    warn(
        f"a token of {made.token.login}, good until {until}{', for a single use' if once else ''}; "
        "it is not shown again. Programs give it as ANTEROOM_TOKEN"
    )


@asks(app, "tokens", alone=True)
async def tokens(engine: EngineApi, login: OwnLogin = "", as_json: Json = False) -> None:
    """List the tokens of a user, the newest first; no secrets."""
    say_rows(
        await engine.people.tokens(login),
        TOKENS,
        none="no token; make one: anteroom user token",
        as_json=as_json,
    )


@asks(app, "revoke-token", alone=True)
async def revoke_token(
    engine: EngineApi,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="Its alias, or how that begins.")],
    as_json: Json = False,
) -> None:
    """Let a token be taken no more."""
    revoked = await engine.people.revoke_token(alias)
    if as_json:
        say_json(revoked)
    else:
        say(f"token {revoked.alias[:6]} of {revoked.login} is revoked")


@asks(app, "requests", alone=True)
async def requests(engine: EngineApi, as_json: Json = False) -> None:
    """List who asks for access to a project; `user grant` says yes, `user decline` no."""
    say_rows(
        await engine.people.requests(), REQUESTS, none="nobody asks for access", as_json=as_json
    )


@asks(app, "decline", alone=True)
async def decline(
    engine: EngineApi,
    id: Annotated[int, typer.Argument(metavar="NUMBER", help="As `user requests` lists it.")],
    reason: Reason = "",
) -> None:
    """Answer a request for access with no."""
    await engine.people.decline(id, reason)
    say(f"request {id} is declined")


@asks(app, "whoami", alone=True)
async def whoami(engine: EngineApi, as_json: Json = False) -> None:
    """Say who the engine takes you for, and what you may do."""
    found = await engine.people.who_am_i()
    if as_json:
        say_json(found)
        return
    say_facts(
        [
            ("user", found.login),
            ("known by", found.known),
            ("site role", found.site),
            *((f"in {project}", role) for project, role in found.roles.items()),
            ("sees originals", found.sees_originals),
            *_allowed(found),
        ]
    )


@app.command("sign-out")
def sign_out(context: typer.Context, home: HomeOption = None) -> None:
    """End the sign-in that `anteroom --user` began, and go on as this Unix user."""
    from console.runtime import identity  # noqa: PLC0415 (slow to load)

    async def leave() -> None:
        login = await identity.sign_out(find_home(context, home))
        say(f"{login} is signed out" if login else "nobody is signed in")

    run(leave())


@app.command("sign-in")
def sign_in(
    context: typer.Context,
    login: Annotated[str, typer.Argument(metavar="[LOGIN]", help="Who signs in.")] = "",
    home: HomeOption = None,
) -> None:
    """Sign in with a password; the commands that follow go on with it."""
    from console.runtime import identity  # noqa: PLC0415 (slow to load)

    async def enter() -> None:
        found = await identity.signed_in(find_home(context, home), login or before(context).user)
        say(f"{found.login} is signed in; end it with: anteroom user sign-out")

    with failing():
        if not (login or before(context).user):
            raise InvalidInput("nobody is named", hint="anteroom user sign-in LOGIN")
    run(enter())


def _say(user: User, as_json: bool) -> None:
    if as_json:
        say_json(user)
        return
    say_facts(
        [
            ("login", user.login),
            ("name", user.name),
            ("email", user.email),
            ("Unix user", f"uid {user.uid}" if user.uid is not None else f"called {user.login}"),
            ("state", standing(user)),
            ("password", f"set {words(user.password_set)}" if user.password_set else "none"),
            ("site role", site_roles(user.grants)),
            ("projects", project_roles(user.grants)),
            ("sees originals", user.sees_originals),
            ("seen", user.last_seen),
            ("added", f"{words(user.added)} by {user.added_by}" if user.added else ""),
            *((where, may) for where, may in permissions_of(user)),
        ]
    )


def _allowed(found: WhoAmI) -> list[tuple[str, str]]:
    return [
        (f"may {f'in {project}' if project else everywhere(permissions)}", ", ".join(permissions))
        for project, permissions in found.permissions.items()
        if permissions
    ]


def _secret(prompt: str, from_stdin: bool) -> str:
    from console.runtime.identity import ask_password  # noqa: PLC0415 (slow to load)

    return sys.stdin.readline().rstrip("\r\n") if from_stdin else ask_password(prompt)


def _where(project: str) -> str:
    return f"in {project}" if project else "for the site"
