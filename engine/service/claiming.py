# SPDX-License-Identifier: Apache-2.0
"""Who may claim Unassigned sessions for a project without administering the site: where the site
lets them, those who decide on sessions somewhere. They see that these sessions are there, as those
who only watch do, and nothing that names a patient."""

from __future__ import annotations

from dataclasses import replace

from engine.model.people import Actor, Permission, Scope
from engine.model.settings import Settings


def may(actor: Actor, settings: Settings) -> bool:
    """Say whether somebody may see that there are Unassigned sessions, and claim them."""
    return settings.projects.claim_unassigned and actor.may_somewhere(Permission.TRIAGE)


def seen(actor: Actor, settings: Settings) -> Scope:
    """Return where somebody sees what waits, patients masked."""
    return _with(actor.scope(Permission.WATCH), actor, settings)


def found(actor: Actor, settings: Settings) -> Scope:
    """Return where somebody finds a session by what stands on a paper."""
    return _with(actor.scope(Permission.TRIAGE), actor, settings)


def _with(scope: Scope, actor: Actor, settings: Settings) -> Scope:
    return replace(scope, unassigned=True) if may(actor, settings) else scope
