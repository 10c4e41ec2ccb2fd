# SPDX-License-Identifier: Apache-2.0
"""Everything that a client may ask of an engine, as typed protocols, one for each noun. The engine
in this process and the remote one both implement `EngineApi`; the remote one is generated from
these signatures. The actor is not an argument: an `EngineApi` is bound to its actor."""

from __future__ import annotations

from typing import get_type_hints

from engine.service.nouns.archive import ArchiveApi, QuarantineApi
from engine.service.nouns.comparison import ComparisonApi
from engine.service.nouns.desk import DeskApi
from engine.service.nouns.people import AuditApi, PeopleApi
from engine.service.nouns.pictures import PicturesApi
from engine.service.nouns.prearchive import FindingsApi, HeldApi, PrearchiveApi
from engine.service.nouns.projects import ProjectsApi, RoutingApi, RulesApi, ScriptsApi
from engine.service.nouns.receiving import (
    AcceptancesApi,
    CommitmentsApi,
    LiveApi,
    ReceiversApi,
    RemotesApi,
)
from engine.service.nouns.settings import MomentsApi, SettingsApi
from engine.service.nouns.system import EventsApi, JobsApi, SystemApi


class EngineApi:
    """One engine, asked on behalf of one actor. Its nouns are the public attributes."""

    prearchive: PrearchiveApi
    desk: DeskApi
    findings: FindingsApi
    archive: ArchiveApi
    comparison: ComparisonApi
    pictures: PicturesApi
    quarantine: QuarantineApi
    projects: ProjectsApi
    rules: RulesApi
    scripts: ScriptsApi
    routing: RoutingApi
    receivers: ReceiversApi
    remotes: RemotesApi
    acceptances: AcceptancesApi
    live: LiveApi
    held: HeldApi
    commitments: CommitmentsApi
    jobs: JobsApi
    moments: MomentsApi
    settings: SettingsApi
    people: PeopleApi
    audit: AuditApi
    events: EventsApi
    system: SystemApi


NOUNS: dict[str, type] = get_type_hints(EngineApi)
"""The nouns of `POST /rpc/{noun}.{verb}`, with what each can be asked."""
