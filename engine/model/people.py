# SPDX-License-Identifier: Apache-2.0
"""Who may do what: permissions, the roles that bring them, and the people who have the roles. Pure:
one question, `Actor.may`, and one table behind it, which `docs/roles.md` shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model.errors import InvalidInput


class Permission(StrEnum):
    """What a role may bring, for a project or for the site."""

    KNOW = "know"
    """That a project exists, and its title."""
    WATCH = "watch"
    """What is received and what becomes of it; who the patients are is masked."""
    TRIAGE = "triage"
    """See, relabel, move, archive and delete sessions in the prearchive."""
    READ = "read"
    """See and take out what is in the archive."""
    CREATE = "create"
    """Bring new sessions in."""
    EDIT = "edit"
    """Change what is in the archive."""
    DELETE = "delete"
    """Delete from the archive, and empty the trash of the prearchive."""
    RELEASE = "release"
    """Release from quarantine, and see what is in it."""
    CONFIGURE = "configure"
    """Change a project's settings, script and members."""
    ADMINISTER = "administer"
    """Everything that belongs to no project: receivers, rules, people, and what is Unassigned."""


class Role(StrEnum):
    """What somebody is in a project, the mightiest first."""

    OWNER = "owner"
    MEMBER = "member"
    COLLABORATOR = "collaborator"
    REVIEWER = "reviewer"
    WATCHER = "watcher"


class SiteRole(StrEnum):
    """What somebody is in all projects, the mightiest first."""

    ADMIN = "admin"
    DATA_ADMIN = "data admin"
    DATA_ACCESS = "data access"
    SITE_WATCHER = "site watcher"


def role_named(name: str, project: str = "") -> Role | SiteRole:
    """Return the role of a name, in a project or without one for the site.

    Raises:
        InvalidInput: there is none.
    """
    kind = Role if project else SiteRole
    try:
        return kind(name.replace("-", " ").replace("_", " "))
    except ValueError:
        where = "in a project" if project else "for the site"
        other = SiteRole if project else Role
        hint = f"use one of {', '.join(kind)}"
        if name.replace("-", " ").replace("_", " ") in set(other):
            hint = "leave the project out" if project else "name the project"
        raise InvalidInput(f"{name!r} is no role {where}", hint=hint) from None


class Accessibility(StrEnum):
    """How open a project is to users who have no role in it."""

    PRIVATE = "private"
    """They do not learn that it exists."""
    PROTECTED = "protected"
    """They see its title, and may ask for access."""
    PUBLIC = "public"
    """They read what is in its archive."""


_EVERYWHERE = frozenset(Permission) - {Permission.ADMINISTER}

OF_ROLE: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: _EVERYWHERE,
    Role.MEMBER: frozenset(
        {
            Permission.KNOW,
            Permission.WATCH,
            Permission.TRIAGE,
            Permission.READ,
            Permission.CREATE,
            Permission.EDIT,
        }
    ),
    Role.COLLABORATOR: frozenset({Permission.KNOW, Permission.WATCH, Permission.READ}),
    Role.REVIEWER: frozenset({Permission.KNOW, Permission.WATCH, Permission.TRIAGE}),
    Role.WATCHER: frozenset({Permission.KNOW, Permission.WATCH}),
}
"""What a role brings in its project."""

OF_SITE_ROLE: Mapping[SiteRole, frozenset[Permission]] = {
    SiteRole.ADMIN: frozenset(Permission),
    SiteRole.DATA_ADMIN: _EVERYWHERE - {Permission.CONFIGURE},
    SiteRole.DATA_ACCESS: frozenset({Permission.KNOW, Permission.WATCH, Permission.READ}),
    SiteRole.SITE_WATCHER: frozenset({Permission.KNOW, Permission.WATCH}),
}
"""What a site role brings in every project, and in the case of `administer` beyond them."""

OF_ACCESSIBILITY: Mapping[Accessibility, frozenset[Permission]] = {
    Accessibility.PRIVATE: frozenset(),
    Accessibility.PROTECTED: frozenset({Permission.KNOW}),
    Accessibility.PUBLIC: frozenset({Permission.KNOW, Permission.READ}),
}
"""What every user may do in a project."""

RELEASING = (Role.OWNER, Role.MEMBER, Role.COLLABORATOR)
"""The roles that a project may let release from quarantine, each with those before it."""


def releases(role: Role, least: Role) -> bool:
    """Say whether a role releases in a project where `least` is the least that does."""
    return role in RELEASING[: RELEASING.index(least) + 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The projects in which somebody may do something."""

    projects: frozenset[str] | None = None
    """None for all."""
    unassigned: bool = True
    """Whether what belongs to no project is part of it."""

    def __contains__(self, project: str | None) -> bool:
        """Say whether a project is part of it; None is what belongs to none."""
        if project is None:
            return self.unassigned
        return self.projects is None or project in self.projects


EVERYTHING = Scope()

BY_TOKEN = "token "
"""How an actor is known begins so where a token was shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Somebody who asks the engine, with all that decides what the answer is."""

    name: str
    """The login name; acts and audit events carry it."""
    known: str = ""
    """How it is known who this is: `uid 1001`, `password`, `token 3f2a91`, `sign-in`."""
    site: frozenset[SiteRole] = frozenset()
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """By project."""
    opened: Mapping[str, Accessibility] = field(default_factory=dict)
    """Projects that are not private."""
    release_by: Mapping[str, Role] = field(default_factory=dict)
    """Projects where not only owners release from quarantine, with the least role that does."""
    sees_originals: bool = False
    """Whether values from before anonymization are shown, whatever the role is."""

    def may(self, permission: Permission, project: str | None = None) -> bool:
        """Say whether this is allowed in a project; None asks for what belongs to no project, where
        a role in a project brings nothing."""
        site = {each for role in self.site for each in OF_SITE_ROLE[role]}
        if project is None:
            # What is Unassigned may be any project's, so only who administers all decides on it.
            watches = permission is Permission.WATCH and permission in site
            return Permission.ADMINISTER in site or watches
        roles = self.roles.get(project, ())
        least = self.release_by.get(project, Role.OWNER)
        if permission is Permission.RELEASE and any(releases(role, least) for role in roles):
            return True
        opened = OF_ACCESSIBILITY[self.opened.get(project, Accessibility.PRIVATE)]
        return permission in site.union(opened, *(OF_ROLE[role] for role in roles))

    def scope(self, permission: Permission) -> Scope:
        """Return where this is allowed."""
        unassigned = self.may(permission)
        if any(permission in OF_SITE_ROLE[role] for role in self.site):
            return Scope(projects=None, unassigned=unassigned)
        among = {*self.roles, *self.opened}
        return Scope(
            projects=frozenset(each for each in among if self.may(permission, each)),
            unassigned=unassigned,
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Say whether this is allowed in some project or for the site."""
        scope = self.scope(permission)
        return scope.projects is None or bool(scope.projects) or scope.unassigned


def operator(name: str, known: str = "") -> Actor:
    """Return who may do everything: whoever runs the engine can read its files anyway."""
    return Actor(name=name, known=known, site=frozenset({SiteRole.ADMIN}), sees_originals=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role that somebody has."""

    role: str
    """A `Role`, or without a project a `SiteRole`."""
    project: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Somebody who may have roles. No secret is part of it."""

    login: str
    name: str = ""
    email: str = ""
    uid: int | None = None
    """The Unix user that this is, where it is one of this machine."""
    disabled: bool = False
    sees_originals: bool = False
    password_set: datetime | None = None
    """When; None where there is no password."""
    locked_until: datetime | None = None
    """Until when no password is taken, after too many wrong ones."""
    last_seen: datetime | None = None
    added: datetime | None = None
    added_by: str = ""
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A Unix group that has roles: everybody has them who is in it."""

    name: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Who has a role in a project: a user, or all of a Unix group."""

    holder: str
    """A login, or `@` and a Unix group."""
    role: Role
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRequest:
    """A user who asks for a role in a project."""

    id: int
    login: str
    project: str
    role: Role
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """An alias that stands for a user, with a secret of its own. The secret is no part of it."""

    alias: str
    login: str
    note: str
    created: datetime
    expires: datetime
    single_use: bool
    used: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewToken:
    """A token that has just been made; its secret is shown this once."""

    token: Token
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WhoAmI:
    """Who the engine takes the caller for, and what it lets them do."""

    login: str
    known: str
    site: str
    roles: dict[str, str]
    sees_originals: bool
    permissions: dict[str, tuple[str, ...]]
    """By project what is allowed there; under `` what is allowed for the site, and in every
    project where it is not `administer`."""

    def may(self, permission: Permission, project: str) -> bool:
        """Say whether this is allowed in a project."""
        return any(permission.value in self.permissions.get(each, ()) for each in ("", project))

    def may_somewhere(self, permission: Permission) -> bool:
        """Say whether this is allowed in some project or for the site."""
        return any(permission.value in allowed for allowed in self.permissions.values())


def told(actor: Actor) -> WhoAmI:
    """Say who an actor is, and what they may do."""
    projects = sorted({*actor.roles, *actor.opened})
    for_all = [each for each in Permission if actor.scope(each).projects is None]
    return WhoAmI(
        login=actor.name,
        known=actor.known,
        site=", ".join(role.value for role in SiteRole if role in actor.site),
        roles={
            project: ", ".join(role.value for role in Role if role in roles)
            for project, roles in sorted(actor.roles.items())
        },
        sees_originals=actor.sees_originals,
        permissions={
            project: tuple(each.value for each in Permission if actor.may(each, project))
            for project in projects
        }
        | {"": tuple(each.value for each in for_all)},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """All people and roles in force at a moment."""

    users: Mapping[str, User] = field(default_factory=dict)
    """By login."""
    groups: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    """By Unix group."""
    opened: Mapping[str, Accessibility] = field(default_factory=dict)
    """Projects that are not private."""
    release_by: Mapping[str, Role] = field(default_factory=dict)
    """Projects where not only owners release from quarantine, with the least role that does."""

    def actor(self, login: str, known: str, groups: Collection[str] = ()) -> Actor | None:
        """Return a user as actor, with what the Unix groups bring that he is in; None where he is
        disabled, or neither known nor in a group that has a role."""
        user = self.users.get(login)
        by_group = [grant for group in groups for grant in self.groups.get(group, ())]
        if (user is None and not by_group) or (user is not None and user.disabled):
            return None
        grants = (*(user.grants if user is not None else ()), *by_group)
        return Actor(
            name=login,
            known=known,
            site=frozenset(SiteRole(each.role) for each in grants if not each.project),
            roles={
                project: frozenset(Role(each.role) for each in grants if each.project == project)
                for project in {each.project for each in grants if each.project}
            },
            opened=self.opened,
            release_by=self.release_by,
            sees_originals=user is not None and user.sees_originals,
        )

    def login_of(self, uid: int, name: str) -> str:
        """Return who a Unix user of this uid and name is: the user who has the uid, else the one of
        the name. A user who has another uid is not meant by the name: on another machine, or after
        an account was made anew, it may be somebody else's."""
        for user in self.users.values():
            if user.uid == uid:
                return user.login
        named = self.users.get(name)
        return name if named is None or named.uid is None else f"uid:{uid}"
