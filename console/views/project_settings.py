# SPDX-License-Identifier: Apache-2.0
"""The settings of a project as users read and change them: the meaning of codes, and the questions
that change a setting or add a project. Pure; the engine decides what is allowed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from console.views import figures
from console.views.question import Answers, Field, Question
from console.views.rows import Row, TableColumn
from engine.model.archive import Project

PREARCHIVE_CODES = {"0": "hold for review", "4": "archive by itself"}
QUARANTINE_CODES = {"0": "off", "1": "after archiving"}
RELEASE_PEOPLE = {"1": "one person", "2": "two different people"}
FINDINGS_LIMITS = {
    "none": "open findings keep nothing out",
    "high": "none that is high may be open",
    "medium": "none that is high or medium may be open",
    "low": "none may be open",
}
RELEASE_BY = {
    "owner": "owners",
    "member": "owners and members",
    "collaborator": "owners, members and collaborators",
}
ACCESSIBILITIES = ("private",)
_OLDER = {"prearchive_code": "archives as 4 does"}
"""What else an older home may have stored comes to; of other settings it has no effect."""

COLUMNS = (
    TableColumn(title="Setting", width=18),
    TableColumn(title="Value", width=24, grows=True),
    TableColumn(title="Where it comes from", width=26, priority=1),
)
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting."""

    name: str
    """As the engine calls it."""
    title: str
    says: tuple[str, ...]
    """What it does."""
    source: str = "set here"
    fixed: str = ""
    """Why it cannot be changed here; empty where it can."""
    choices: tuple[str, ...] = ()


SETTINGS = (
    Setting(
        name="prearchive_code",
        title="prearchive code",
        says=(
            "0 holds for review, 4 archives by itself where the label is free.",
            "It is for sessions whose header and rules do not say otherwise.",
        ),
        source="set here; the site first",
        choices=tuple(PREARCHIVE_CODES),
    ),
    Setting(
        name="quarantine_code",
        title="quarantine code",
        says=(
            "1 puts each session into quarantine once it is archived: only those see it who may",
            "release it. It is no PHI gate: what is archived is there for good.",
        ),
        choices=tuple(QUARANTINE_CODES),
    ),
    Setting(
        name="release_people",
        title="release people",
        says=("How many different people have to agree to a release from quarantine.",),
        choices=tuple(RELEASE_PEOPLE),
    ),
    Setting(
        name="release_by",
        title="release by",
        says=(
            "The least role that releases from quarantine, and sees what is in it.",
            "Administrators and data administrators of the site always do.",
        ),
        choices=tuple(RELEASE_BY),
    ),
    Setting(
        name="findings_limit",
        title="findings limit",
        says=(
            "The level from which on findings that are open keep a session out of the archive:",
            "high minds only the high ones, low all. Mend or acknowledge them. none: no finding.",
        ),
        choices=tuple(FINDINGS_LIMITS),
    ),
    Setting(
        name="accessibility",
        title="accessibility",
        says=(
            "private: only members know of it. protected: others see its title, and may ask.",
            "public: everybody reads what is in its archive. The prearchive is for members only.",
        ),
        choices=ACCESSIBILITIES,
    ),
    Setting(name="title", title="title", says=("A name for people, at most 255 characters.",)),
    Setting(name="description", title="description", says=("A few words on what it is for.",)),
    Setting(
        name="aliases",
        title="aliases",
        says=(
            "Other names that routing finds the project by, exactly as written,",
            "with commas between them.",
        ),
    ),
    Setting(
        name="build_after",
        title="idle wait",
        says=(
            "After how many seconds without a new object a session counts as whole and is built.",
            "0: what holds for the site (session.build_after).",
        ),
    ),
    Setting(
        name="trash_days",
        title="days in the trash",
        says=(
            "For how many days a session deleted in the prearchive can be put back.",
            "0: what holds for the site (trash.prearchive_days).",
        ),
    ),
    Setting(
        name="review_hours",
        title="hours to decide",
        says=(
            "Within how many hours somebody is to decide on a session, from its last object on.",
            "0: what holds for the site (projects.review_hours).",
        ),
    ),
    Setting(
        name="current_arc",
        title="current arc",
        says=("The folder below the archive that new sessions of it are filed in.",),
        source="given when it was added",
        fixed="the folder is given when a project is added",
    ),
    Setting(
        name="created",
        title="added",
        says=("By whom and when the project was added.",),
        source="the audit trail",
        fixed="it is a fact of the audit trail",
    ),
)
_UNITS = {"build_after": "seconds", "trash_days": "days", "review_hours": "hours"}
BY_NAME = {one.name: one for one in SETTINGS}


def rows(project: Project) -> list[Row]:
    """Show all settings of a project."""
    return [
        Row(
            key=one.name,
            cells=(one.title, shown(project, one.name), one.source),
            tones=((2, "dim"),),
        )
        for one in SETTINGS
    ]


def value(project: Project, name: str) -> str:
    """Return a value as it is typed."""
    if name == "aliases":
        return ", ".join(project.aliases)
    if name == "created":
        return f"{figures.moment(project.created)} by {project.created_by}"
    return str(getattr(project, name))


def shown(project: Project, name: str) -> str:
    """Return a value with its meaning."""
    text = value(project, name)
    meaning = {
        "prearchive_code": PREARCHIVE_CODES,
        "quarantine_code": QUARANTINE_CODES,
        "release_people": RELEASE_PEOPLE,
        "release_by": RELEASE_BY,
        "findings_limit": FINDINGS_LIMITS,
        "accessibility": dict.fromkeys(ACCESSIBILITIES, ""),
    }
    if name in _UNITS:
        return f"{text}  {_UNITS[name]}" if text != "0" else "0  what the site has"
    older = _OLDER.get(name, "has no effect yet")
    said = meaning[name].get(text, older) if name in meaning else ""
    return f"{text}  {said}" if said else text or "–"


def exported(project: Project) -> tuple[str, ...]:
    """Return a project as a row of a file."""
    return (project.id, *(value(project, one.name) for one in SETTINGS))


def question(project: Project, name: str) -> Question:
    """Ask for another value of one setting."""
    setting = BY_NAME[name]
    now = value(project, name)

    def wrong(given: Answers) -> str:
        if given[name] == now:
            return "nothing is changed yet"
        if setting.choices and given[name] not in setting.choices:
            return f"one of {', '.join(setting.choices)}"
        return ""

    return Question(
        title=f"{project.id}: {setting.title}",
        act="Set it",
        rows=(f"now   {shown(project, name)}",),
        says=(*setting.says, "It takes effect at once and is written to the audit trail."),
        fields=(Field(name=name, label=setting.title, value=now, choices=setting.choices),),
        command=lambda given: shlex.join(
            ["anteroom", "project", "set", project.id, f"{name}={given[name]}"]
        ),
        fault=wrong,
    )


def new_question(projects: tuple[str, ...], given: Answers) -> Question:
    """Ask for a new project; `given` is what was typed before."""
    return Question(
        title="New project",
        act="Add",
        says=("The ID is a folder of the archive: it never changes, nor is used again.",),
        fields=(
            Field(
                name="id",
                label="ID",
                value=given.get("id", ""),
                hint="letters, digits, _ or -",
                needed=True,
            ),
            Field(name="title", label="Title", value=given.get("title", "")),
            Field(
                name="aliases",
                label="Aliases",
                value=given.get("aliases", ""),
                hint="other names for routing, with commas between",
            ),
            Field(
                name="code",
                label="Prearchive code",
                value=given.get("code", ""),
                hint="0 holds, 4 archives; empty: the site's",
                choices=tuple(PREARCHIVE_CODES),
            ),
        ),
        command=_add_command,
        fault=lambda answers: _wrong_new(answers, projects),
    )


def names(text: str) -> tuple[str, ...]:
    """Take names apart that stand between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _wrong_new(given: Answers, projects: tuple[str, ...]) -> str:
    if not _ID.fullmatch(given["id"]):
        return "an ID has 1 to 64 letters, digits, _ or -, and does not begin with -"
    if given["id"].lower() in {each.lower() for each in projects}:
        return f"there is a project {given['id']} already, or one that differs only in case"
    if given["code"] and given["code"] not in PREARCHIVE_CODES:
        return f"the prearchive code is one of {', '.join(PREARCHIVE_CODES)}"
    return ""


def _add_command(given: Answers) -> str:
    words = ["anteroom", "project", "add", given["id"] or "ID"]
    words += ["--title", given["title"]] if given["title"] else []
    for alias in names(given["aliases"]):
        words += ["--alias", alias]
    return shlex.join(words)
