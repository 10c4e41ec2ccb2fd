# SPDX-License-Identifier: Apache-2.0
"""The verbs of triage, which work alike wherever sessions of the prearchive are shown: in the list
and on the session screen. Each first tells what it would do to how many sessions, then queues the
act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work

from console.actions import triage
from console.runtime.typeahead import QUESTION
from console.screens.base.desk import DeskScreen
from console.screens.base.overlays import TextScreen
from console.screens.base.screen import Copyable
from console.views import contradictions, figures
from console.views.masking import LASTING
from console.views.question import Answers
from console.views.remotes import Sendable
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.prearchive import PrearchiveSession
from engine.model.states import QUEUED, Verb

VERBS = {
    "archive": Verb.ARCHIVE,
    "move": Verb.MOVE,
    "relabel": Verb.RELABEL,
    "rebuild": Verb.REBUILD,
    "delete": Verb.DELETE,
    "reset": Verb.RESET,
    "resolve": Verb.RESOLVE,
}
AT_ONCE = frozenset({Verb.REBUILD})
"""Done without a question where it is about one session."""


class TriageScreen(DeskScreen):
    """A screen with sessions of the prearchive that something can be done to."""

    def chosen_ids(self) -> tuple[str, ...]:
        """Return the ids of the sessions that an act is about now."""
        return tuple(session.id for session in self.chosen())

    def acted(self, verb: Verb, ids: tuple[str, ...]) -> None:
        """Go on after an act was queued for the sessions with these ids."""

    def note_of_marks(self) -> str:
        """Say what the user should know of the marks before acting on them."""
        return ""

    def sendable(self) -> Sequence[Sendable]:
        """Return the sessions, named as the questions before other acts name them."""
        possible, _ = triage.sort_out_sends(self.chosen())
        return [Sendable(id=one.id, shown=triage.described(one)) for one in possible]

    def not_sendable(self) -> Sequence[str]:
        """Say which of the sessions cannot be sent."""
        _, refused = triage.sort_out_sends(self.chosen())
        return triage.left_out(refused)

    def why_not(self, action: str) -> str:
        """Say why a verb is possible for none of the sessions now."""
        if action == "send":
            return triage.why_none_sent(self.chosen())
        verb = VERBS.get(action)
        if verb is None:
            return super().why_not(action)
        sessions = self.chosen()
        if verb is Verb.RELABEL and len(sessions) > 1:
            return "labels are given to one session at a time"
        if verb is Verb.RESOLVE and len(sessions) > 1:
            return "one session is decided at a time"
        if verb is Verb.DELETE and _cancels(sessions):
            return ""
        return triage.why_none(verb, sessions)

    def do_archive(self) -> None:
        """File the sessions in the archive."""
        self._ask(Verb.ARCHIVE)

    def do_move(self) -> None:
        """Put the sessions into another project."""
        self._ask(Verb.MOVE)

    def do_relabel(self) -> None:
        """Change the label or the subject of the session."""
        self._ask(Verb.RELABEL)

    def do_rebuild(self) -> None:
        """Build the sessions anew."""
        self._ask(Verb.REBUILD)

    def do_delete(self) -> None:
        """Take the sessions out, or out of the queue."""
        self._ask(Verb.RESET if _cancels(self.chosen()) else Verb.DELETE)

    def do_reset(self) -> None:
        """Take the sessions out of the queue."""
        self._ask(Verb.RESET)

    @work(group=QUESTION, exit_on_error=False)
    async def do_resolve(self) -> None:
        """Show what contradicts itself in the session, and carry out what is decided."""
        sessions = self.chosen()
        if len(sessions) != 1:
            return
        session = await self.asked(self.engine.prearchive.show(sessions[0].id))
        told = await self.asked(self.engine.prearchive.contradictions(sessions[0].id))
        if session is None or told is None or not self.is_open:
            return
        if not told.found:
            self.tell("nothing in it contradicts itself; r looks again", "warning")
            return
        found = self.context.masks.contradictions(told.found, session)
        key = await self.app.push_screen_wait(
            ChooseScreen(
                found[0].reason, contradictions.offered(found), labelled=LASTING.hides(session)
            )
        )
        if key is None:
            return
        decision = triage.Act(
            verb=Verb.RESOLVE,
            sessions=(session,),
            choices=contradictions.choices(found, key),
            seen=told.seen,
        )

        def answered(given: Answers) -> triage.Act:
            subject, why = given.get("subject", ""), given.get("reason", "")
            return replace(decision, subject=subject, reason=why)

        asked = contradictions.question(session, found, key)
        asked = replace(asked, command=lambda given: triage.command(answered(given)))
        given = await self.app.push_screen_wait(AskScreen(asked))
        if given is not None:
            await self.host.act(answered(given))
            self.look()

    @work(exclusive=True, group="log", exit_on_error=False)
    async def do_log(self) -> None:
        """Show what happened to the session."""
        sessions = self.chosen()
        if not sessions:
            return
        session = sessions[0]
        entries = await self.asked(self.engine.prearchive.log(session.id))
        if entries is None or not self.is_open:
            return
        masks = self.context.masks
        told = masks.log(entries, session)
        lines = [(figures.moment(one.at), one.text) for one in told]
        if session.reason:
            lines.insert(0, ("reason", masks.session(session).reason))
        title, labelled = f"Log of {session.id}", LASTING.hides(session)
        self.app.push_screen(
            TextScreen(title, lines, empty="nothing was logged", labelled=labelled)
        )

    def copies(self) -> Sequence[Copyable]:
        """Offer ids, addresses and commands of the sessions."""
        sessions = self.chosen()
        if not sessions:
            return ()
        ids = " ".join(self.chosen_ids())
        one = sessions[0]
        masked = self.context.masks.hides(one)
        return (
            Copyable(title="id", text=ids),
            *(() if masked else (Copyable(title="label", text=one.label),)),
            *(() if masked else (Copyable(title="address", text=f"/data{one.url}"),)),
            Copyable(title="command", text=f"anteroom prearchive show {one.id}"),
            Copyable(
                title="archive command",
                text=triage.command(triage.Act(verb=Verb.ARCHIVE, sessions=tuple(sessions))),
            ),
        )

    @work(group=QUESTION, exit_on_error=False)
    async def _ask(self, verb: Verb) -> None:
        sorted_out = await self._sort_out(verb)
        if sorted_out is None:
            return
        possible, refused = sorted_out
        sessions = (*possible, *(one.session for one in refused))
        if not self.is_open:
            # The user is elsewhere by now, where a question would be out of place.
            return
        if not possible:
            if sessions:
                self.tell(f"not now: {triage.why_none(verb, sessions)}", "warning")
            return
        if verb in AT_ONCE and len(possible) == 1 and not refused:
            await self._perform(verb, possible, {})
            return
        projects: tuple[str, ...] = ()
        if verb is Verb.MOVE:
            projects = tuple(one.id for one in await self.asked(self.engine.projects.list()) or ())
        status = self.context.status_view.status
        question = triage.question(
            verb,
            possible,
            refused,
            projects=projects,
            trash_days=status.trash_days if status is not None else 0,
            note=self.note_of_marks(),
        )
        given = await self.app.push_screen_wait(AskScreen(question))
        if given is not None:
            await self._perform(verb, possible, given)

    async def _sort_out(
        self, verb: Verb
    ) -> tuple[Sequence[PrearchiveSession], Sequence[triage.Refusal]] | None:
        """Return the sessions that a verb is possible for, and the others: what the screen knows
        may be a moment old. The engine tells what it would do, by the rules that it acts by."""
        ids = self.chosen_ids()
        if len(ids) > 1:
            sessions = tuple(self.chosen())
            outcomes = await self.asked(self.engine.prearchive.would(verb, ids))
            return None if outcomes is None else triage.foretold(verb, sessions, outcomes)
        shown = [await self.asked(self.engine.prearchive.show(id)) for id in ids]
        return triage.sort_out(verb, [one for one in shown if one is not None])

    async def _perform(
        self, verb: Verb, sessions: Sequence[PrearchiveSession], given: dict[str, str]
    ) -> None:
        act = triage.answered(verb, sessions, given)
        if done := await self.host.act(act):
            self.acted(verb, done)
        self.look()


def _cancels(sessions: Sequence[PrearchiveSession]) -> bool:
    """Whether taking away means leaving the queue: all of them are in it."""
    return bool(sessions) and all(one.status in QUEUED and not one.locked for one in sessions)
