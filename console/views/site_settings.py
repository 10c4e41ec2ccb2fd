# SPDX-License-Identifier: Apache-2.0
"""The settings of the site as users read and change them. Pure; the engine decides what is
allowed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from console.views import figures
from console.views.question import UNCHANGED, Answers, Field, Question, reason
from console.views.rows import Row, TableColumn
from engine.model.site_settings import SiteSetting

ORIGINS = {"default": "default", "file": "settings file", "here": "set here"}
"""What is said of where a value comes from."""

COLUMNS = (
    TableColumn(title="Setting", width=34, grows=True),
    TableColumn(title="Value", width=16),
    TableColumn(title="From", width=13, priority=1),
)


def row(setting: SiteSetting) -> Row:
    """Show one setting: what somebody has set stands out from what has its default."""
    tone = "dim" if setting.origin == "default" else "plain"
    sign = "✗ " if setting.fault else ""
    return Row(
        key=setting.name,
        cells=(setting.name, f"{sign}{setting.value or '–'}", ORIGINS[setting.origin]),
        tone="plain" if setting.changeable else "dim",
        tones=((1, "bad" if setting.fault else tone), (2, tone)),
    )


def card(setting: SiteSetting) -> list[tuple[str, str]]:
    """Say all of a setting."""
    when = "at once, on every node" if setting.changeable else "in the file, with the next start"
    origin = ORIGINS[setting.origin]
    if setting.at is not None:
        origin = f"{origin} by {setting.by}, {figures.moment(setting.at)[:16]}"
    lines = [("", setting.meaning), ("Value", setting.value or "–"), ("From", origin)]
    lines += [("Reason", setting.reason)] if setting.reason else []
    lines += [("Not used", setting.fault)] if setting.fault else []
    return [
        *lines,
        ("Default", setting.default or "–"),
        ("Takes", setting.takes),
        ("Changes", when),
    ]


def said(settings: Sequence[SiteSetting]) -> str:
    """Say how many settings there are, and how many are not as they come."""
    own = sum(one.origin != "default" for one in settings)
    here = sum(one.origin == "here" for one in settings)
    return f"{figures.plural(len(settings), 'setting')}, {own} not the default, {here} set here"


def why_not(setting: SiteSetting | None, action: str) -> str:
    """Say why a setting cannot be changed, or not go back to what the file says."""
    if setting is None:
        return "the list is empty"
    if action == "stop" and setting.origin != "here":
        return "it is not set here: the file holds already"
    return ""


def fixed(setting: SiteSetting) -> str:
    """Say why a setting cannot be changed here; empty where it can."""
    if setting.changeable:
        return ""
    return f"{setting.name} is read from the settings file when the engine starts"


def question(setting: SiteSetting) -> Question:
    """Ask for another value."""

    def wrong(given: Answers) -> str:
        return UNCHANGED if given["value"].strip() == setting.value else ""

    def command(given: Answers) -> str:
        return _command("set", f"{setting.name}={given['value']}", given)

    return Question(
        title=setting.name,
        act="Set it",
        rows=(f"now   {setting.value or '–'}   {ORIGINS[setting.origin]}",),
        says=(setting.meaning, "It is in force at once, on every node."),
        fields=(
            Field(name="value", label="Value", value=setting.value, hint=setting.takes),
            reason(needed=False),
        ),
        command=command,
        fault=wrong,
    )


def reset_question(setting: SiteSetting) -> Question:
    """Ask whether the settings file is to hold again."""
    return Question(
        title=f"Let the file say {setting.name} again?",
        act="Let it",
        rows=(f"now   {setting.value or '–'}   set here by {setting.by}",),
        says=("What the settings file says, else the default, is in force at once.",),
        fields=(reason(needed=False),),
        command=lambda given: _command("reset", setting.name, given),
    )


def _command(verb: str, what: str, given: Answers) -> str:
    words = ["anteroom", "settings", verb, what]
    if given.get("reason"):
        words += ["--reason", given["reason"]]
    return shlex.join(words)
