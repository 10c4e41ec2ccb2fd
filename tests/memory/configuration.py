# SPDX-License-Identifier: Apache-2.0
"""What is configured in an engine in memory: projects, rules, routing, receivers."""

from __future__ import annotations

from dataclasses import replace

from engine.model.archive import (
    ClientCertificates,
    Durability,
    OnScriptError,
    Project,
    RuleText,
)
from engine.model.errors import Conflict, InvalidInput, NotFound, Problem, Refused
from engine.model.live import (
    ReceiverStatus,
)
from engine.model.routing import Route
from engine.model.what_if import WhatIf
from engine.service.offline import check_rules
from tests.memory.contents import SAMPLE_ROUTE, route_of
from tests.memory.facts import NOON, Asked


def project(id: str, **changes: object) -> Project:
    """Make a project."""
    made = Project(
        id=id,
        title="",
        description="",
        aliases=(),
        prearchive_code=4,
        quarantine_code=0,
        accessibility="private",
        current_arc="arc001",
        created=NOON,
        created_by="ak",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Projects(Asked):
    async def list(self) -> tuple[Project, ...]:
        return tuple(self.facts.projects.values())

    async def show(self, id: str) -> Project:
        if id not in self.facts.projects:
            raise NotFound("no such project", hint="list them: anteroom project list")
        return self.facts.projects[id]

    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project:
        if id in self.facts.projects:
            raise Conflict(f"the project {id} exists", hint="choose another project ID")
        made = project(id, title=title, aliases=aliases, created_by=self.actor)
        self.facts.projects[id] = made
        return made

    async def set(self, id: str, values: dict[str, str]) -> Project:
        changes: dict[str, object] = {}
        for key, value in values.items():
            if key in ("prearchive_code", "quarantine_code", "release_people"):
                changes[key] = int(value)
            elif key in ("title", "description", "release_by", "findings_limit", "accessibility"):
                changes[key] = value
            elif key == "aliases":
                changes[key] = tuple(part.strip() for part in value.split(",") if part.strip())
            else:
                raise InvalidInput(f"a project has no {key}")
        made = replace(await self.show(id), **changes)  # type: ignore[arg-type]
        self.facts.projects[id] = made
        return made


class Rules(Asked):
    async def show(self, scope: str, concept: str) -> RuleText:
        return self.facts.rules.get((scope, concept), RuleText(scope=scope, concept=concept))

    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText:
        _sound(text)
        before = await self.show(scope, concept)
        made = RuleText(
            scope=scope,
            concept=concept,
            version=before.version + 1,
            text=text,
            enabled=enabled,
            at=NOON,
            author=self.actor,
            reason=reason,
        )
        self.facts.rules[scope, concept] = made
        return made

    async def check(self, text: str) -> tuple[Problem, ...]:
        return check_rules(text)

    async def what_if(self, scope: str, concept: str, text: str, last: int = 100) -> WhatIf:
        _sound(text)
        return self.facts.what_if


class Routing(Asked):
    async def explain(self, path: str, receiver: str = "") -> Route:
        return SAMPLE_ROUTE

    async def try_rules(self, session: str, scope: str, concept: str, text: str) -> Route:
        _sound(text)
        return route_of(self.facts, self.facts.found(session).id)


_TEXTS = ("account", "file_name_template")


class Receivers(Asked):
    async def list(self) -> tuple[ReceiverStatus, ...]:
        return tuple(self.facts.receivers.values())

    async def add(
        self,
        ae_title: str,
        port: int,
        allow: tuple[str, ...] = (),
        anonymize: bool = True,
        rules: bool = False,
        values: dict[str, str] | None = None,
    ) -> ReceiverStatus:
        made = ReceiverStatus(
            ae_title=ae_title,
            port=port,
            enabled=True,
            listening=True,
            origin="added",
            anonymize=anonymize,
            allow_enabled=bool(allow),
            allow=allow,
            rules_enabled=rules,
        )
        self._keep(made)
        return await self.edit(ae_title, port, values or {})

    async def edit(self, ae_title: str, port: int, values: dict[str, str]) -> ReceiverStatus:
        now = self._found(ae_title, port)
        if now.origin == "settings":
            raise Refused("it is the receiver of the settings file")
        changes: dict[str, object] = {}
        for name, value in values.items():
            if name in ("anonymize", "rules_enabled", "allow_enabled", "enabled", "tls"):
                changes[name] = value == "true"
            elif name in ("allow", "transfer_syntaxes", "storage_classes"):
                changes[name] = tuple(part.strip() for part in value.split(",") if part.strip())
            elif name in ("port", "max_pdu", "max_associations", "max_per_peer"):
                changes[name] = int(value)
            elif name == "idle_timeout":
                changes[name] = float(value)
            elif name == "client_certificates":
                changes[name] = ClientCertificates(value)
            elif name == "script_error":
                changes[name] = OnScriptError(value)
            elif name == "durability":
                changes[name] = Durability(value) if value else None
            elif name in (*("ae_title", "certificate", "key", "client_ca", "crl"), *_TEXTS):
                changes[name] = value
            else:
                raise InvalidInput(f"a receiver has no such {name}")
        made: ReceiverStatus = replace(now, **changes)  # type: ignore[arg-type]
        if (made.ae_title, made.port) != (ae_title, port):
            del self.facts.receivers[ae_title, port]
        return self._keep(made)

    async def remove(self, ae_title: str, port: int) -> None:
        self._found(ae_title, port)
        del self.facts.receivers[ae_title, port]

    async def start(self, ae_title: str, port: int) -> ReceiverStatus:
        return self._keep(replace(self._found(ae_title, port), enabled=True, listening=True))

    async def stop(self, ae_title: str, port: int) -> ReceiverStatus:
        return self._keep(replace(self._found(ae_title, port), enabled=False, listening=False))

    async def reload(self, ae_title: str, port: int) -> ReceiverStatus:
        found = self._found(ae_title, port)
        if not found.tls:
            raise Refused(f"{ae_title} on port {port} has no TLS")
        return found

    async def echo(self, ae_title: str, port: int) -> str:
        self._found(ae_title, port)
        return "answered 0000"

    def _found(self, ae_title: str, port: int) -> ReceiverStatus:
        if (ae_title, port) not in self.facts.receivers:
            raise NotFound("no such receiver", hint="list them: anteroom receiver list")
        return self.facts.receivers[ae_title, port]

    def _keep(self, receiver: ReceiverStatus) -> ReceiverStatus:
        self.facts.receivers[receiver.ae_title, receiver.port] = receiver
        return receiver


def _sound(text: str) -> None:
    problems = check_rules(text)
    if problems:
        raise InvalidInput("the rules are not well formed", problems=problems)
