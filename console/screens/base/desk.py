# SPDX-License-Identifier: Apache-2.0
"""What reviewers say of sessions, wherever these are shown: that they have seen them, a note, and
whose they are; and finding a session by what stands on a paper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from textual import work

from console.actions import triage
from console.runtime.typeahead import QUESTION
from console.screens.base.exporting import place_of, place_question
from console.screens.base.form import fill_in
from console.screens.base.overlays import TextScreen
from console.screens.base.sending import SendingScreen
from console.transfer.capsule import packed
from console.transfer.export import keep
from console.views import desk, figures
from console.views.masking import LASTING
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.desk import Desk
from engine.model.errors import EngineError, InvalidInput
from engine.model.prearchive import ActOutcome, PrearchiveSession

_CAPSULE = (
    "History, routing, versions, jobs and figures; nothing in it names a patient.",
    "Only you may read the file.",
)

Say = Callable[[tuple[str, ...]], Awaitable[tuple[ActOutcome, ...]]]


class DeskScreen(SendingScreen):
    """A screen with sessions of which something can be said."""

    def chosen(self) -> Sequence[PrearchiveSession]:
        """Return the sessions that an act is about now, as they are known."""
        raise NotImplementedError

    async def known_of(self, session: PrearchiveSession) -> Desk | None:
        """Return what was said of a session; None to who may not know."""
        if self.context.watching:
            return None
        return await self.permitted(self.engine.desk.show(session.id), None)

    def said_of(self, session: PrearchiveSession, known: Desk | None) -> list[tuple[str, str]]:
        """Return what a card says of it."""
        return desk.lines(session, known, hidden=self.context.masks.hides(session))

    @work(group=QUESTION, exit_on_error=False)
    async def do_desk(self) -> None:
        """Offer what can be said of the sessions."""
        sessions = tuple(self.chosen())
        me = await self.asked(self.engine.people.who_am_i())
        if me is None or not self.is_open:
            return
        key = await self.app.push_screen_wait(
            ChooseScreen("Reviewer's desk", desk.offered(sessions, me.login))
        )
        engine = self.engine.desk
        match key:
            case desk.REVIEW:
                await self._say(sessions, engine.review)
            case desk.WITHDRAW:
                await self._say(sessions, engine.withdraw)
            case desk.TAKE:
                await self._say(sessions, lambda ids: engine.assign(ids, me.login))
            case desk.NOTE:
                await self._leave_note(sessions)
            case desk.GIVE:
                await self._give(sessions, me.login)
            case desk.LOOK_UP:
                await self._look_up()
            case desk.QUEUES:
                await self._show_queues()
            case desk.CAPSULE:
                await self._make_capsule(sessions[0].id)

    @work(group=QUESTION, exit_on_error=False)
    async def do_look_up(self) -> None:
        """Find a session by what stands on a paper."""
        await self._look_up()

    async def _look_up(self) -> None:
        found = await fill_in(
            self, desk.LOOK_UP_QUESTION, lambda given: self.engine.desk.look_up(given["name"])
        )
        if found is None or not self.is_open:
            return
        if not found:
            self.tell("no session that waits came under it", "warning")
            return
        key = await self.app.push_screen_wait(
            ChooseScreen(figures.plural(len(found), "session"), tuple(map(desk.found, found)))
        )
        if key is not None:
            await self.host.open_session(key)

    async def _show_queues(self) -> None:
        found = await self.asked(self.engine.desk.queues())
        if found is None or not self.is_open:
            return
        lines = desk.queues(found, self.context.clock())
        self.app.push_screen(TextScreen("What waits", lines, empty="nothing waits for anybody"))

    async def _make_capsule(self, id: str) -> None:
        """Write a bundle about a session to a file that is named first."""
        typed = await self.app.push_screen_wait(
            AskScreen(place_question(f"A capsule of {id}", _CAPSULE, f"capsule-{id}.tar.gz"))
        )
        if typed is None:
            return
        found = await self.asked(self.engine.desk.capsule(id))
        if found is None:
            return
        place, replaced = place_of(typed["place"]), typed["there"] == "replace"
        try:
            data = packed(found)
            await asyncio.to_thread(lambda: keep(data, place, overwrite=replaced))
        except EngineError as error:
            self.failed(error)
        else:
            self.tell(f"the capsule of {id} is written to {place}")

    async def _leave_note(self, sessions: Sequence[PrearchiveSession]) -> None:
        before: Desk | None = None
        if len(sessions) == 1 and not LASTING.hides(sessions[0]):
            before = await self.asked(self.engine.desk.show(sessions[0].id))
        ids = tuple(one.id for one in sessions)
        question = desk.note_question(sessions, [*map(triage.described, sessions)], before)
        outcomes = await fill_in(
            self, question, lambda given: self.engine.desk.note(ids, given.get("note", ""))
        )
        self._tell_said(outcomes)

    async def _give(self, sessions: Sequence[PrearchiveSession], me: str) -> None:
        ids = tuple(one.id for one in sessions)
        people = dict.fromkeys([me, *(one.assigned for one in sessions if one.assigned)])
        question = desk.give_question(sessions, [*map(triage.described, sessions)], tuple(people))
        outcomes = await fill_in(
            self, question, lambda given: self.engine.desk.assign(ids, given.get("to", "").strip())
        )
        self._tell_said(outcomes)

    async def _say(self, sessions: Sequence[PrearchiveSession], say: Say) -> None:
        try:
            outcomes = await self.host.carry_out(lambda: say(tuple(one.id for one in sessions)))
        except InvalidInput as error:
            self.tell(error.message, "warning")
        except EngineError as error:
            self.failed(error)
        else:
            self._tell_said(outcomes)

    def _tell_said(self, outcomes: Sequence[ActOutcome] | None) -> None:
        if outcomes is None:
            return
        done = [one for one in outcomes if one.done]
        refused = [one for one in outcomes if not one.done]
        words = [f"{done[0].message}: {figures.plural(len(done), 'session')}"] if done else []
        if refused:
            words.append(f"{len(refused)} refused: {refused[0].message}")
        self.tell("; ".join(words), "warning" if refused else "information")
        self.look()
