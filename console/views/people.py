# SPDX-License-Identifier: Apache-2.0
"""People as lists and cards say them: their roles in few words, how they stand, and what their
roles let them do. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from engine.model.people import Actor, Grant, Permission, Role, SiteRole, User


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
