# SPDX-License-Identifier: Apache-2.0
"""People as lists and cards say them: their roles in few words, how they stand, and what their
roles let them do. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.people import (
    OF_ROLE,
    AccessRequest,
    Actor,
    Grant,
    Group,
    Member,
    Permission,
    Role,
    SiteRole,
    User,
    WhoAmI,
)


def site_roles(grants: Iterable[Grant]) -> str:
    """Say which roles somebody has for the site, the mightiest first."""
    held = {grant.role for grant in grants if not grant.project}
    return ", ".join(role.value for role in SiteRole if role.value in held)


def project_roles(grants: Iterable[Grant]) -> str:
    """Say which roles somebody has in projects: `NEURO3 ONCO7 reviewer`, the mightiest first."""
    found = [grant for grant in grants if grant.project]
    by_role = (
        (role, [grant.project for grant in found if grant.role == role.value]) for role in Role
    )
    return ", ".join(f"{' '.join(projects)} {role}" for role, projects in by_role if projects)


def roles_in_words(grants: Collection[Grant]) -> str:
    """Say all roles in a line."""
    said = (site_roles(grants), project_roles(grants))
    return ", ".join(each for each in said if each) or "no role"


def standing(user: User, now: datetime | None = None) -> str:
    """Say why somebody could not come in now; nothing where they could."""
    if user.disabled:
        return "disabled"
    if user.locked_until is not None and user.locked_until > (now or datetime.now(UTC)):
        return "locked"
    return ""


def actor_of(user: User) -> Actor:
    """Return a user as the actor that their own roles make; what their groups bring is known to the
    machine of the engine only."""
    return Actor(
        name=user.login,
        site=frozenset(SiteRole(each.role) for each in user.grants if not each.project),
        roles={
            project: frozenset(Role(each.role) for each in user.grants if each.project == project)
            for project in sorted({each.project for each in user.grants if each.project})
        },
        sees_originals=user.sees_originals,
    )


def permissions_of(user: User) -> tuple[tuple[str, str], ...]:
    """Say what somebody may do, by place."""
    if user.disabled:
        return ()
    actor = actor_of(user)
    everywhere_ = [each.value for each in Permission if actor.scope(each).projects is None]
    found = [(f"may {everywhere(everywhere_)}", ", ".join(everywhere_))] if everywhere_ else []
    for project in actor.roles:
        allowed = [each.value for each in Permission if actor.may(each, project)]
        if set(allowed) - set(everywhere_):
            found.append((f"may in {project}", ", ".join(allowed)))
    return tuple(found)


def everywhere(permissions: Collection[str]) -> str:
    """Say where holds what is allowed without a project being named."""
    return "everywhere" if Permission.ADMINISTER.value in permissions else "in all projects"


def lacking(me: WhoAmI | None, permission: Permission, project: str = "") -> str:
    """Say which role somebody would need, for a project or for any at all, and which they have;
    empty where they have it, or where nobody has said yet who they are."""
    if me is None or (me.may(permission, project) if project else me.may_somewhere(permission)):
        return ""
    held = [me.site, me.roles.get(project, "")] if project else [me.site, *me.roles.values()]
    yours = ", ".join(dict.fromkeys(each for each in held if each)) or "none"
    least = next((role for role in reversed(Role) if permission in OF_ROLE[role]), None)
    if least is None:
        needs = f"{SiteRole.ADMIN} of the site"
    else:
        needs = in_words(least.value, project) if project else f"{least} of a project"
    return f"it needs the role {needs}; yours: {yours}"


COLUMNS = (
    TableColumn(title="Who", width=16),
    TableColumn(title="Name", width=18, priority=3),
    TableColumn(title="Site role", width=12, priority=1),
    TableColumn(title="Roles in projects", width=24, grows=True),
    TableColumn(title="Seen", width=16, priority=2),
    TableColumn(title="State", width=9),
)
"""Of everybody."""

MEMBER_COLUMNS = (
    TableColumn(title="Who", width=16),
    TableColumn(title="Role", width=14),
    TableColumn(title="Given by", width=20, grows=True),
    TableColumn(title="Since", width=16, priority=1),
    TableColumn(title="State", width=9),
)
"""Of those who have a role in one project."""

Person = User | Group | Member | AccessRequest


def key(person: Person) -> str:
    """Return the key of somebody's row; a user and a request of theirs are two."""
    if isinstance(person, AccessRequest):
        return f"request {person.id}"
    if isinstance(person, Member):
        return f"{person.holder} {person.role}"
    return holder(person)


def holder(person: Person) -> str:
    """Return by which name somebody holds roles."""
    if isinstance(person, Member):
        return person.holder
    return f"@{person.name}" if isinstance(person, Group) else person.login


def held(person: Person) -> tuple[tuple[str, str], ...]:
    """Return the roles that can be taken from somebody here, each with its project."""
    if isinstance(person, User | Group):
        return tuple((grant.role, grant.project) for grant in person.grants)
    return ()


def in_words(role: str, project: str) -> str:
    """Say a role and where it holds."""
    return f"{role} of {project}" if project else f"{role} of the site"


def row(person: Person, now: datetime) -> Row:
    """Show somebody among everybody, or among the members of a project."""
    if isinstance(person, AccessRequest):
        asks = f"asks for {in_words(person.role, person.project)}"
        return Row(
            key=key(person),
            tone="look",
            cells=(f"? {person.login}", "", "", asks, figures.moment(person.at)[:16], "waits"),
        )
    if isinstance(person, Group):
        roles = (site_roles(person.grants), project_roles(person.grants))
        return Row(key=key(person), cells=(holder(person), "Unix group", *roles, "", ""))
    if isinstance(person, Member):
        since = figures.moment(person.at)[:16]
        return Row(key=key(person), cells=(person.holder, person.role.value, person.by, since, ""))
    state = standing(person, now)
    seen = figures.moment(person.last_seen)[:16] if person.last_seen else "never"
    return Row(
        key=key(person),
        tone="dim" if person.disabled else "plain",
        cells=(
            person.login,
            person.name,
            site_roles(person.grants),
            project_roles(person.grants) or "–",
            seen,
            state,
        ),
        tones=((5, "look"),) if state else (),
    )


def asking_row(request: AccessRequest) -> Row:
    """Show who asks for access, among the members of the project."""
    asked = figures.moment(request.at)[:16]
    return Row(
        key=key(request),
        tone="look",
        cells=(f"? {request.login}", request.role.value, request.reason, asked, "asks"),
    )


def card(person: Person, now: datetime) -> list[tuple[str, str]]:
    """Say all of somebody."""
    if isinstance(person, AccessRequest):
        return [
            ("Asks for", in_words(person.role, person.project)),
            ("Since", figures.moment(person.at)),
            ("Reason", person.reason or "–"),
            ("", "a gives a role, x says no"),
        ]
    if isinstance(person, Member):
        return [
            ("Role", person.role.value),
            ("Given by", person.by),
            ("Since", figures.moment(person.at)),
            ("May", ", ".join(sorted(each.value for each in OF_ROLE[person.role]))),
        ]
    if isinstance(person, Group):
        members = "everybody who is in this group of the machine of the engine"
        return [("Who", members), *_granted(person.grants)]
    state = standing(person, now)
    uid = f"Unix number {person.uid}" if person.uid is not None else "the Unix user of that name"
    lines = [
        ("Name", person.name or "–"),
        ("E-mail", person.email or "–"),
        ("Is", uid),
        ("Password", "set" if person.password_set else "none"),
        ("Originals", "sees values from before anonymization" if person.sees_originals else "no"),
        ("Seen", figures.moment(person.last_seen) if person.last_seen else "never"),
    ]
    if person.added is not None:
        lines.append(("Added", f"{figures.moment(person.added)} by {person.added_by}"))
    lines += [("State", state)] if state else []
    # Names as long as the places would run into the values.
    may = [
        ("May", f"{where.removeprefix('may ')}: {what}") for where, what in permissions_of(person)
    ]
    return [*lines, *_granted(person.grants), *may]


def said(people: Collection[Person]) -> str:
    """Say how many there are, and how many ask."""
    asking = sum(isinstance(one, AccessRequest) for one in people)
    users = sum(isinstance(one, User) for one in people)
    members = sum(isinstance(one, Member) for one in people)
    groups = sum(isinstance(one, Group) for one in people)
    parts = [
        figures.plural(number, noun)
        for number, noun in ((users, "user"), (groups, "group"), (members, "role"))
        if number
    ]
    return ", ".join([*(parts or ["nobody"]), f"{asking or 'none'} asking for access"])


def _granted(grants: Iterable[Grant]) -> list[tuple[str, str]]:
    found = []
    for grant in grants:
        by = f", given by {grant.by}" if grant.by else ""
        found.append(("Role", f"{in_words(grant.role, grant.project)}{by}"))
    return found or [("Role", "none: nothing is shown to them")]
