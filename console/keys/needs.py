# SPDX-License-Identifier: Apache-2.0
"""What whoever presses a key must be allowed to do: the verb of the engine that it leads to, whose
needs are in `engine.service.permissions`. A key that is not here is for everybody, leads to
verbs that need different things, or is judged by its screen for the session that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.people import Permission
from engine.service.permissions import NEEDS, About

_TRIAGE = {
    "archive": "prearchive.archive",
    "move": "prearchive.move",
    "relabel": "prearchive.relabel",
    "rebuild": "prearchive.rebuild",
    "delete": "prearchive.delete",
    "resolve": "prearchive.resolve",
    "reset": "prearchive.reset",
    "desk": "desk.review",
    "look_up": "desk.look_up",
    "send": "remotes.send",
}

VERBS: Mapping[str, Mapping[str, str]] = {
    "prearchive": _TRIAGE | {"trash": "prearchive.trash"},
    "session": _TRIAGE,
    "trash": {"restore": "prearchive.restore"},
    "archive": {"send": "remotes.send"},
    "filed": {"send": "remotes.send"},
    "scripts": {"turn": "scripts.enable", "rerun": "scripts.rerun"},
    "script": {
        "save": "scripts.set",
        "turn": "scripts.enable",
        "back_to": "scripts.activate",
        "rerun": "scripts.rerun",
        "samples": "scripts.run_samples",
        "trial": "scripts.try_out",
        "other_session": "scripts.try_out",
    },
    "projects": {
        "new": "projects.add",
        "try": "routing.try_rules",
        "save": "rules.set",
    },
    "ledger": {"retry": "held.retry", "drop": "held.drop"},
    "held": {"retry": "held.retry", "drop": "held.drop"},
    "audit": {"verify": "audit.verify", "moment": "moments.at"},
    "system": {
        "new": "receivers.add",
        "start": "receivers.start",
        "limits": "receivers.edit",
        "storing": "receivers.edit",
        "tls": "receivers.edit",
        "echo": "receivers.echo",
    },
    "people": {
        "new": "people.add",
        "grant": "people.grant",
        "revoke": "people.revoke",
        "events": "audit.list",
    },
    "acceptances": {
        "new": "acceptances.start",
        "expect": "acceptances.expect",
        "sign": "acceptances.close",
        "drop": "acceptances.close",
    },
}
"""By screen and action."""


def needed(screen: str, action: str) -> tuple[Permission, ...]:
    """Return what an action of a screen needs somewhere at least."""
    verb = VERBS.get(screen, {}).get(action)
    needs = NEEDS[verb] if verb is not None else ()
    return tuple(need.permission for need in needs if need.about is not About.SELF)
