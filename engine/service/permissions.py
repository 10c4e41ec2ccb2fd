# SPDX-License-Identifier: Apache-2.0
"""What each verb of the service needs: a permission, and where. This table is the law that
`engine.service.gate` enforces, and `docs/roles.md` is made from it:

    python -m engine.service.permissions > docs/roles.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.model.people import (
    OF_ACCESSIBILITY,
    OF_ROLE,
    OF_SITE_ROLE,
    Permission,
    SiteRole,
)


class About(StrEnum):
    """What the argument of a verb names, which says where its permission is needed."""

    SELF = "whoever asks"
    """Any user, about what is theirs."""
    SITE = "the site"
    SOMEWHERE = "any project"
    """In some project; lists then hold what the permission reaches."""
    PROJECT = "the project"
    SCOPE = "the site or the project of a scope"
    """`site`, or `project:{ID}`."""
    PROJECT_OR_SITE = "the project, or the site where none is named"
    WAITING = "the project of a prearchive session"
    """A prearchive id, or several."""
    TRASHED = "the project of a deleted session"
    FILED = "the project of an archived session"
    EITHER = "the project of a session"
    """Accession IDs, prearchive ids, or whatever else names a session."""
    JOB = "the project of a job's session"
    SEND = "the project of a send's session"
    LOGIN = "whoever asks, or the site for others"
    """A login; none is the caller's own."""
    TOKEN = "whoever has the token, or the site for others"
    REQUEST = "the project of a request for access"
    TRAIL = "the project that is asked about; what one did oneself; else the site"
    """A query for audit events."""


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, and the argument that says where it is needed."""

    permission: Permission
    about: About
    argument: str = ""


def _each(noun: str, verbs: str, *needs: Need) -> dict[str, tuple[Need, ...]]:
    return {f"{noun}.{verb}": needs for verb in verbs.split()}


_ADMINISTER = Need(Permission.ADMINISTER, About.SITE)
_SELF = Need(Permission.KNOW, About.SELF)
_WATCH = Need(Permission.WATCH, About.SOMEWHERE)


def _triage(argument: str) -> Need:
    return Need(Permission.TRIAGE, About.WAITING, argument)


NEEDS: Mapping[str, tuple[Need, ...]] = {
    **_each("prearchive", "list", _WATCH),
    **_each("prearchive", "find trash gone", Need(Permission.TRIAGE, About.SOMEWHERE)),
    **_each("prearchive", "show", Need(Permission.WATCH, About.WAITING, "id")),
    **_each(
        "prearchive",
        "relabel contradictions resolve log done to_come",
        _triage("id"),
    ),
    **_each(
        "prearchive",
        "contents files header route timeline",
        _triage("id"),
    ),
    **_each("prearchive", "archive rebuild delete reset look would", _triage("ids")),
    **_each(
        "prearchive",
        "move",
        _triage("ids"),
        Need(Permission.TRIAGE, About.PROJECT, "project"),
    ),
    **_each(
        "prearchive",
        "claim",
        Need(Permission.WATCH, About.WAITING, "ids"),
        Need(Permission.TRIAGE, About.PROJECT, "project"),
    ),
    **_each("prearchive", "restore", Need(Permission.TRIAGE, About.TRASHED, "ids")),
    **_each("prearchive", "empty_trash", Need(Permission.DELETE, About.TRASHED, "ids")),
    **_each("desk", "show capsule open", _triage("id")),
    **_each("desk", "close", _SELF),
    **_each("desk", "queues report", _WATCH),
    **_each("desk", "look_up opened", Need(Permission.TRIAGE, About.SOMEWHERE)),
    **_each("desk", "note assign review withdraw", _triage("ids")),
    **_each("findings", "list acknowledge reopen", _triage("id")),
    **_each("archive", "list", Need(Permission.READ, About.SOMEWHERE)),
    **_each("archive", "due", _ADMINISTER),
    **_each(
        "archive",
        "show document history versions contents files header verify read export_begun",
        Need(Permission.READ, About.FILED, "id"),
    ),
    **_each(
        "comparison",
        "headers",
        Need(Permission.READ, About.EITHER, "left"),
        Need(Permission.READ, About.EITHER, "right"),
    ),
    **_each("pictures", "waiting", _triage("id")),
    **_each("pictures", "filed", Need(Permission.READ, About.FILED, "id")),
    **_each("quarantine", "list", Need(Permission.READ, About.SOMEWHERE)),
    **_each(
        "quarantine",
        "release hold lock unlock obsolete activate",
        Need(Permission.RELEASE, About.FILED, "ids"),
    ),
    **_each("projects", "list", Need(Permission.KNOW, About.SOMEWHERE)),
    **_each("projects", "show", Need(Permission.KNOW, About.PROJECT, "id")),
    **_each("projects", "add", _ADMINISTER),
    **_each("projects", "set", Need(Permission.CONFIGURE, About.PROJECT, "id")),
    **_each("rules", "show set what_if", _ADMINISTER),
    **_each("rules", "check", _SELF),
    **_each("scripts", "list", Need(Permission.TRIAGE, About.SOMEWHERE)),
    **_each("scripts", "check", _SELF),
    **_each("scripts", "show history diff", Need(Permission.TRIAGE, About.SCOPE, "scope")),
    **_each(
        "scripts",
        "set enable disable activate waiting rerun samples remove_sample run_samples",
        Need(Permission.CONFIGURE, About.SCOPE, "scope"),
    ),
    **_each(
        "scripts",
        "add_sample",
        Need(Permission.CONFIGURE, About.SCOPE, "scope"),
        Need(Permission.READ, About.FILED, "session"),
    ),
    **_each(
        "scripts",
        "try_out",
        Need(Permission.CONFIGURE, About.SCOPE, "scope"),
        Need(Permission.READ, About.EITHER, "session"),
    ),
    **_each("routing", "explain try_rules", _ADMINISTER),
    **_each("receivers", "list", _WATCH),
    **_each("receivers", "add edit remove start stop reload echo", _ADMINISTER),
    **_each("remotes", "list show", Need(Permission.READ, About.SOMEWHERE)),
    **_each("remotes", "add edit delete echo", _ADMINISTER),
    **_each("remotes", "send", Need(Permission.READ, About.EITHER, "sessions")),
    **_each("remotes", "sends", Need(Permission.READ, About.SOMEWHERE)),
    **_each("remotes", "sending cancel", Need(Permission.READ, About.SEND, "id")),
    **_each("acceptances", "list show", Need(Permission.WATCH, About.SITE)),
    **_each("acceptances", "start expect close", _ADMINISTER),
    **_each(
        "live",
        "transfers ledger ledger_groups ledger_lines accounts held throughput senders",
        _WATCH,
    ),
    **_each("live", "series", Need(Permission.WATCH, About.WAITING, "session")),
    **_each("held", "list show header retry drop", _ADMINISTER),
    **_each("commitments", "list", _WATCH),
    **_each("commitments", "show retry", _ADMINISTER),
    **_each("jobs", "list", _WATCH),
    **_each("jobs", "cancel retry", Need(Permission.TRIAGE, About.JOB, "id")),
    **_each("moments", "at diff", _ADMINISTER),
    **_each("settings", "list set reset", _ADMINISTER),
    **_each("people", "who_am_i sign_in sign_out", _SELF),
    **_each("people", "ask", Need(Permission.KNOW, About.PROJECT, "project")),
    **_each("people", "list requests", Need(Permission.CONFIGURE, About.SOMEWHERE)),
    **_each("people", "members", Need(Permission.WATCH, About.PROJECT, "project")),
    **_each("people", "groups add set", _ADMINISTER),
    **_each("people", "grant revoke", Need(Permission.CONFIGURE, About.PROJECT_OR_SITE, "project")),
    **_each("people", "decline", Need(Permission.CONFIGURE, About.REQUEST, "id")),
    **_each(
        "people",
        "show set_password tokens issue_token",
        Need(Permission.ADMINISTER, About.LOGIN, "login"),
    ),
    **_each("people", "revoke_token", Need(Permission.ADMINISTER, About.TOKEN, "alias")),
    **_each("audit", "counts verify", _ADMINISTER),
    **_each("audit", "list", Need(Permission.CONFIGURE, About.TRAIL, "query")),
    **_each("audit", "note", _SELF),
    **_each("events", "after", _SELF),
    **_each("system", "status", _SELF),
    **_each("system", "checks", Need(Permission.WATCH, About.SITE)),
    **_each("system", "stop", _ADMINISTER),
}
"""By `noun.verb`. All needs of a verb must be met."""


def _marks(permissions: frozenset[Permission]) -> list[str]:
    return ["yes" if permission in permissions else "–" for permission in Permission]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def document() -> str:
    """Write the roles, and what each verb needs, as Markdown."""
    columns = [permission.value for permission in Permission]
    holders = [
        *((f"site: {role.value}", OF_SITE_ROLE[role]) for role in SiteRole),
        *((role.value, permissions) for role, permissions in OF_ROLE.items()),
        *((f"no role, {kind.value} project", some) for kind, some in OF_ACCESSIBILITY.items()),
    ]
    lines = [
        "# Roles",
        "",
        "What each role may do. A role in a project holds there; a site role holds in every",
        "project. Nobody but an administrator decides on what is Unassigned: it may be any",
        "project's. Where the site says so (`projects.claim_unassigned`), those who decide on the",
        "sessions of a project see it as those do who only watch, and may claim it for that.",
        "This page is written by `make roles` from the tables that the engine enforces.",
        "",
        _row(["role", *columns]),
        _row(["---"] * (len(columns) + 1)),
        *(_row([name, *_marks(permissions)]) for name, permissions in holders),
        "",
        "| permission | lets somebody |",
        "| --- | --- |",
        *(_row([each.value, MEANINGS[each]]) for each in Permission),
        "",
        "The settings of a project may let members, or members and collaborators, release as well",
        "(`release_by`), and demand two different people for each release (`release_people`).",
        "",
        "Root, and the Unix user who runs the engine, may do everything: they can read its files.",
        "Values from before anonymization are shown to those only who were given `see-originals`",
        "by name, whatever their role is.",
        "",
        "## What each verb of the engine needs",
        "",
        "| verb | permission | for |",
        "| --- | --- | --- |",
    ]
    for verb, needs in NEEDS.items():
        told = ["–" if need.about is About.SELF else need.permission.value for need in needs]
        where = [need.about.value for need in needs]
        lines.append(_row([f"`{verb}`", ", ".join(told), ", ".join(where)]))
    return "\n".join(lines) + "\n"


MEANINGS: Mapping[Permission, str] = {
    Permission.KNOW: "learn that a project exists, and its title",
    Permission.WATCH: "see what is received and what becomes of it, with patients masked",
    Permission.TRIAGE: "see, relabel, move, archive and delete what is in the prearchive",
    Permission.READ: "see and take out what is in the archive",
    Permission.CREATE: "bring new sessions in",
    Permission.EDIT: "change what is in the archive",
    Permission.DELETE: "delete from the archive, and empty the trash of the prearchive",
    Permission.RELEASE: "release from quarantine, and see what is in it",
    Permission.CONFIGURE: "change a project's settings, script and members",
    Permission.ADMINISTER: "do what belongs to no project: receivers, rules, people, Unassigned",
}


if __name__ == "__main__":
    sys.stdout.write(document())
