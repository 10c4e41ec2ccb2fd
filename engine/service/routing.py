# SPDX-License-Identifier: Apache-2.0
"""Where an object goes, and why: by the configuration in force, or by a rule text on trial."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_header
from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput, NotFound
from engine.model.routing import Route
from engine.routing.rules import parse_rules
from engine.service.configuration import Configuration
from engine.service.contents import Waiting


class Routing:
    """Where an object would land, and why."""

    def __init__(self, context: JobContext, configuration: Configuration, guard: Guard) -> None:
        """Route by what is in force."""
        self._waiting = Waiting(context)
        self._configuration = configuration
        self._guard = guard

    async def explain(self, path: str, receiver: str = "") -> Route:
        """Route one file, with a trace."""
        router = self._configuration.router()
        try:
            _, header = await asyncio.to_thread(read_header, Path(path), guard=self._guard)
        except OSError as error:
            raise NotFound(f"{path} cannot be read: {error.strerror}") from error
        except (HeaderError, Unreadable) as error:
            raise InvalidInput(f"{path}: {error.reason}") from error
        return router.route(header, receiver=receiver or None, trace=True)

    async def try_rules(self, session: str, scope: str, concept: str, text: str) -> Route:
        """Route a prearchive session's first object as if `text` were in force, with a trace."""
        await asyncio.to_thread(parse_rules, text)
        config = await self._configuration.trying(scope, concept, text)
        return await self._waiting.route(session, config)
