# SPDX-License-Identifier: Apache-2.0
"""What the command palette offers: the verbs of the screen below it, then screens and verbs without
a key, then sessions by label. Names from data are made plain; nothing typed here is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.keys.table import MODES, told
from console.plain import plain, plain_text
from console.screens.base.screen import BaseScreen
from console.views.masking import LASTING
from engine.model.errors import EngineError
from engine.model.prearchive import PrearchiveQuery

FOUND = 8
"""Sessions that are offered for what was typed."""

Command = tuple[str, str, Callable[[], object]]


class ConsoleCommands(Provider):
    """Commands for the screen below the palette."""

    async def discover(self) -> Hits:
        """Offer everything before a letter is typed."""
        for title, help, run in self._commands():
            yield DiscoveryHit(plain(title), run, text=title, help=plain_text(help))

    async def search(self, query: str) -> Hits:
        """Offer what fits what was typed, and sessions whose label has it."""
        matcher = self.matcher(query)
        for title, help, run in self._commands():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, plain(title), run, text=title, help=plain_text(help))
        async for hit in self._sessions(query):
            yield hit

    def _commands(self) -> list[Command]:
        screen = self.screen
        if not isinstance(screen, BaseScreen):
            return []
        commands: list[Command] = []
        for key in told(screen.NAME, watching=screen.context.watching):
            if key.owned:
                continue
            why = screen.why_off(key.action.partition("(")[0])
            help = f"not now: {why}" if why else f"{key.help} ({key.shown})"
            commands.append((key.label, help, partial(screen.run_verb, key.action)))
        host = screen.host
        if not screen.context.watching:
            for number, name, title in MODES:
                commands.append(
                    (f"go to {title}", f"mode {number}", partial(host.action_mode, name))
                )
        for theme in host.offered_themes:
            commands.append(
                (f"theme {theme}", "remembered for the next time", partial(host.wear, theme))
            )
        return commands

    async def _sessions(self, query: str) -> Hits:
        screen = self.screen
        if not isinstance(screen, BaseScreen) or screen.context.watching or len(query) < 2:
            return
        try:
            # Masked even while labels are revealed: the palette may stay open for longer.
            wanted = LASTING.query(PrearchiveQuery(text=query))
            page = await screen.engine.prearchive.list(wanted, limit=FOUND)
        except EngineError:
            # The strip says that the engine is gone.
            return
        for row in page.rows:
            name = row.id if LASTING.hides(row) else row.label
            title = plain_text(f"session {name}", 60)
            where = plain_text(f"{row.project or 'Unassigned'}, {row.status.value.lower()}", 60)
            run = partial(screen.host.open_session, row.id)
            yield Hit(0.5, plain(title), run, text=title, help=where)
