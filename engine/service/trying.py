# SPDX-License-Identifier: Apache-2.0
"""Tries a script that nobody has saved over the objects of a session, waiting or filed, beside the
version in force. Nothing is written, and nothing is kept of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from engine.anonymize.hosting import variables
from engine.anonymize.language.parser import language_of
from engine.archive import scripts, secrets, sessions
from engine.intake.kept import Key
from engine.intake.trial import TrialWork
from engine.intake.trial_guard import TrialGuard
from engine.jobs.context import JobContext
from engine.model.errors import NotFound
from engine.model.people import Actor
from engine.model.scripts import SITE, ScriptInForce, project_of
from engine.model.trials import Trial
from engine.prearchive.tables import SessionRow
from engine.service.contents import Waiting, subject_at
from engine.service.reviewing import keys_of
from engine.service.verifying import no_folder
from engine.sessions import headers

MOST_FILES = 200
"""Files that one trial looks at, evenly spread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Objects that a script is tried over, and what it is told of them."""

    folder: Path
    project: str
    subject: str
    label: str
    document: str = ""
    session: str = ""
    """Given where objects are to be tried as they were received."""
    keys: dict[str, Key] = field(default_factory=dict)


class Trying:
    """For one actor."""

    def __init__(self, context: JobContext, guard: TrialGuard, actor: Actor) -> None:
        """Try in the helper of the guard."""
        self._context = context
        self._guard = guard
        self._actor = actor
        self._waiting = Waiting(context)

    async def run(
        self, scope: str, text: str, lookups: str, session: str, scan: str, file: str
    ) -> Trial:
        """Try a text over a session. That of the site is tried over objects as they were received
        only for those who may see originals: what it makes of them would tell of them."""
        async with self._context.archive_db.write() as transaction:
            # Says also whether there is such a scope.
            await scripts.show(transaction, scope)
            active = await scripts.in_force(transaction, scope)
            secret = await secrets.get_or_make(transaction, secrets.UIDS)
        hosts = self._context.settings.anonymization.url_hosts
        draft = ScriptInForce(
            scope=scope,
            version=0,
            id="",
            text=text,
            lookups=lookups,
            language=language_of(text),
            hosts=hosts,
        )

        async def over(target: _Target) -> Trial:
            chosen = await self._context.processes.run(
                headers.sample, target.folder, scan, file, target.document
            )
            files = chosen.files[:MOST_FILES]
            project = project_of(scope) or target.project
            work = TrialWork(
                draft=draft,
                active=active,
                variables=variables(project=project, subject=target.subject, session=target.label),
                folder=str(target.folder),
                files=files,
                total=chosen.total,
                prearchive=str(self._context.prearchive) if target.session else "",
                session=target.session,
                keys={one: target.keys[one] for one in files if one in target.keys},
                secret=secret,
            )
            return await asyncio.to_thread(self._guard.run, work)

        async with self._context.archive_db.read() as transaction:
            try:
                card = await sessions.card(transaction, session)
                document = await sessions.document(transaction, session)
            except NotFound:
                card = None
        if card is None:
            as_received = scope == SITE and self._actor.sees_originals

            async def at(row: SessionRow, folder: Path) -> Trial:
                keys = await keys_of(self._context, row.id) if as_received else {}
                return await over(
                    _Target(
                        folder=folder,
                        project=row.project or "",
                        subject=await subject_at(row, folder),
                        label=row.label,
                        session=row.id if as_received else "",
                        keys=keys,
                    )
                )

            return await self._waiting.there(session, at)
        try:
            return await over(
                _Target(
                    folder=self._context.archive / card.folder,
                    project=card.project,
                    subject=card.subject,
                    label=card.label,
                    document=document,
                )
            )
        except FileNotFoundError:
            raise no_folder(card.accession) from None
