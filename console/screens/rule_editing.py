# SPDX-License-Identifier: Apache-2.0
"""The half of a screen on which rule texts are edited: checked as they are typed, tried on a
session, and saved. An edit outlives the screen as a draft, until it is saved or dropped."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from console.plain import plain_text
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.form import fill_in
from console.screens.base.screen import BaseScreen, Copyable
from console.screens.session_choice import SessionChoiceScreen
from console.views import figures, rules, trial
from console.views.question import YES, Answers, Question
from console.views.rows import Piece
from console.views.rules import Draft, RulePlace
from console.views.trial import Trial
from console.widgets.chrome import Line, entitle
from console.widgets.debounce import Debounce
from console.widgets.dialogs import AskScreen
from console.widgets.rule_editor import RuleEditor
from console.widgets.table import RecordTable
from engine.model.archive import RuleText
from engine.model.errors import EngineError, Problem
from engine.model.what_if import WhatIf

TRIED = 100
"""Sessions that a text is tried on before it is saved."""

CHECK_PAUSE = 0.25
"""Seconds without a key until the text is checked."""


class RuleEditingScreen(BaseScreen):
    """A screen on which rule texts are edited."""

    def __init__(self, context: ConsoleContext) -> None:
        """Show no text yet."""
        super().__init__(context)
        self.place: RulePlace | None = None
        """What is chosen; not always a text of rules."""
        self._loaded: RulePlace | None = None
        """Whose text the editor has."""
        self._base: RuleText | None = None
        """The version that it has, or that its edit began with."""
        self._newest: RuleText | None = None
        self._problems: tuple[Problem, ...] = ()
        self._trial: Trial | None = None
        self._check_soon = Debounce(self)
        self._saving = False

    def rule_panes(self) -> ComposeResult:
        """Lay out the editor and what a trial gave."""
        with Vertical(id="rules"):
            yield RuleEditor(id="editor")
            yield Line(id="fault")
            for name in ("before", "after"):
                line = Line(id=name)
                line.add_class("order")
                yield line
            with Vertical(id="trial"):
                yield RecordTable(
                    trial.COLUMNS,
                    empty="t takes a session of the prearchive and routes it by this text",
                    id="trace",
                    classes="",
                )
                yield Line(id="result")
                yield Line(id="note")

    def drafts_changed(self) -> None:
        """Draw what tells which texts are edited."""

    def masks_changed(self) -> None:
        """Show or hide what a trial has read."""
        super().masks_changed()
        self._draw_trial()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("save", "try", "drop") and self._loaded is None:
            chosen = self.place is not None and self.place.has_rules
            return "the rules were not read yet" if chosen else "choose a text of rules first"
        if action == "drop" and self._draft is None:
            return "nothing is edited"
        return super().why_not(action)

    def copies_of_rules(self, place: RulePlace) -> Sequence[Copyable]:
        """Offer the text and the command that writes it."""
        if place != self._loaded or place.concept is None:
            return ()
        receiver = place.scope.partition(":")[2]
        whose = f"--receiver {shlex.quote(receiver)}" if receiver else "--site"
        return (
            Copyable(title="rules", text=" / ".join(self._editor.text.splitlines())),
            Copyable(title="command", text=f"anteroom rules show {place.concept} {whose}"),
        )

    def choose_rules(self, place: RulePlace) -> None:
        """Let the editor have the text of a place, if it is one; what was edited is kept."""
        self._keep()
        self.place = place
        if place != self._loaded:
            self._loaded = self._base = None
            self._problems = ()
            self._editor.put("", editable=False)
        if not place.has_rules:
            return
        self.pane(Line, "before").say(((" Before them  ", "strong"), (place.asked_before, "muted")))
        self.pane(Line, "after").say(((" After them   ", "strong"), (place.asked_after, "muted")))
        if self._loaded is None and (draft := self.context.drafts.get(place.key)) is not None:
            self._put(place, draft.base, draft.text)
        self._read(place)
        self._draw_trial()

    def said_of_rules(self) -> list[Piece]:
        """Say how the text stands."""
        base, newest, draft = self._base, self._newest, self._draft
        if base is None:
            return [("asking the engine …", "muted")]
        pieces: list[Piece] = []
        if draft is not None:
            count = rules.edits(rules.tidy(base.text), draft.text)
            lines = figures.plural(count, "line")
            pieces.append((f"{lines} edited, not saved · ", "look"))
        if self._problems:
            pieces.append((f"{figures.plural(len(self._problems), 'fault')} · ", "bad"))
        if newest is not None and newest.version != base.version:
            by = f"version {newest.version} by {newest.author} was saved meanwhile · "
            pieces.append((by, "look"))
        if rules.altered(base.text):
            pieces.append(("signs stand for what cannot be drawn, and are saved · ", "look"))
        pieces.append((rules.provenance(base), "muted"))
        return pieces

    @work(group=QUESTION, exit_on_error=False)
    async def do_save(self) -> None:
        """Put the text in force, once it has no fault and the person has said why."""
        place, base = self._loaded, self._base
        if place is None or base is None or place.concept is None or self._saving:
            return
        self._saving = True
        try:
            if await self._faulty():
                return
            now = await self.asked(self.engine.rules.show(place.scope, place.concept))
            if now is None:
                return
            draft = Draft(place=place, base=base, text=self._text_to_save(base))
            effect = await self._effect(draft)
            saved = await fill_in(
                self, rules.question(draft, now, effect), lambda given: self._set(draft, given)
            )
            if saved is not None:
                self._saved(draft, saved)
        finally:
            self._saving = False

    async def _effect(self, draft: Draft) -> WhatIf | None:
        """Ask what a text would have done to the last sessions; None where nothing is edited or the
        engine does not say."""
        place = draft.place
        if place.concept is None or draft.text == draft.base.text:
            return None
        self.say(("trying the text on the last sessions …", "muted"))
        try:
            return await self.engine.rules.what_if(
                place.scope, str(place.concept), draft.text, TRIED
            )
        except EngineError as error:
            # Saving it is not made impossible by what cannot be told beforehand.
            self.tell(f"what it would have done is not known: {error.message}", "warning")
            return None
        finally:
            self.drafts_changed()

    @work(group=QUESTION, exit_on_error=False)
    async def do_try(self) -> None:
        """Route a session by the text as it stands in the editor."""
        place, text = self._loaded, self._editor.text
        if place is None or place.concept is None or await self._faulty():
            return
        session = await self.app.push_screen_wait(
            SessionChoiceScreen(self.context, "Route a session by this text")
        )
        if session is None:
            return
        now = await self.asked(self.engine.prearchive.route(session.id))
        if now is None:
            return
        then = await self.asked(
            self.engine.routing.try_rules(session.id, place.scope, place.concept, text)
        )
        if then is not None:
            self._trial = Trial(place=place, text=text, session=session, now=now, then=then)
            self._draw_trial()

    @work(group=QUESTION, exit_on_error=False)
    async def do_drop(self) -> None:
        """Go back to the text that is in force."""
        draft = self._draft
        if draft is None:
            return
        question = Question(
            title=f"Drop the edits: {draft.place.title}",
            act="Drop them",
            keep="Keep them",
            rows=rules.unsaved((draft,)),
            says=("They are gone then; the text in force stays as it is.",),
            danger=True,
            local=True,
        )
        if await self.app.push_screen_wait(AskScreen(question)) is not None:
            self._forget(draft.place)
            if self._loaded == draft.place:
                self._put(draft.place, draft.base, draft.base.text)
                self._read(draft.place)

    @on(TextArea.Changed, "#editor")
    def edited(self) -> None:
        """Keep what was typed, and check it once nothing more is typed."""
        self._keep()
        self._check_soon.after(CHECK_PAUSE, self._check)

    @on(TextArea.SelectionChanged, "#editor")
    def line_changed(self) -> None:
        """Say the fault of the line of the cursor."""
        self._draw_fault()

    @property
    def _editor(self) -> RuleEditor:
        return self.pane(RuleEditor, "editor")

    @property
    def _draft(self) -> Draft | None:
        return self.context.drafts.get(self._loaded.key) if self._loaded is not None else None

    def _keep(self) -> None:
        """Keep what the editor has, where it differs from what it began with."""
        place, base = self._loaded, self._base
        if place is None or base is None:
            return
        text, before = self._editor.text, place.key in self.context.drafts
        if text != rules.tidy(base.text):
            self.context.drafts[place.key] = Draft(place=place, base=base, text=text)
        else:
            self.context.drafts.pop(place.key, None)
        if before != (place.key in self.context.drafts):
            self.drafts_changed()
            self.keys_changed()

    def _forget(self, place: RulePlace) -> None:
        if self.context.drafts.pop(place.key, None) is not None:
            self.drafts_changed()
            self.keys_changed()

    def _put(self, place: RulePlace, base: RuleText, text: str) -> None:
        self._loaded, self._base, self._problems = place, base, ()
        self._editor.put(text, editable=not self.context.watching)
        entitle(self._editor, place.title)
        self.drafts_changed()
        self.keys_changed()
        self._check()

    @work(exclusive=True, group="rules", exit_on_error=False)
    async def _read(self, place: RulePlace) -> None:
        if place.concept is None:
            return
        text = await self.asked(self.engine.rules.show(place.scope, place.concept))
        if place != self.place:
            return
        if text is None:
            if self._loaded is None:
                words = "the rules could not be read; ctrl+r asks again"
                self.pane(Line, "fault").say(((f" ✗ {words}", "bad"),))
            return
        self._newest = text
        self._keep()
        if self._loaded == place and (self._draft is not None or self._base == text):
            self.drafts_changed()
            return
        self._put(place, text, text.text)

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _check(self) -> None:
        place, text = self._loaded, self._editor.text
        if place is None:
            return
        problems = await self.asked(self.engine.rules.check(text))
        if problems is None or (place, text) != (self._loaded, self._editor.text):
            return
        self._take(problems)
        self._draw_trial()

    async def _faulty(self) -> bool:
        """Look whether the text has a fault, and say so."""
        problems = await self.asked(self.engine.rules.check(self._editor.text))
        if problems is None:
            return True
        self._take(problems)
        if problems:
            self._editor.show_fault(problems[0])
            self.tell(f"not like this: {rules.fault(problems[0])}", "warning")
        return bool(problems)

    def _take(self, problems: tuple[Problem, ...]) -> None:
        self._problems = problems
        self._editor.mark(problems)
        self._draw_fault()
        self.drafts_changed()

    def _text_to_save(self, base: RuleText) -> str:
        # Without an edit the text stays as it was stored, even if the editor shows some of its
        # characters as visible signs.
        text = self._editor.text
        return base.text if text == rules.tidy(base.text) else text

    async def _set(self, draft: Draft, given: Answers) -> RuleText:
        place = draft.place
        return await self.engine.rules.set(
            place.scope,
            str(place.concept),
            draft.text,
            enabled=given["enabled"] == YES,
            reason=given["reason"],
        )

    def _saved(self, draft: Draft, saved: RuleText) -> None:
        state = "in force" if saved.enabled else "kept, not in force"
        self.tell(f"{draft.place.title}: version {saved.version} is {state}")
        if self._loaded == draft.place:
            self._base = self._newest = saved
            self._keep()
        else:
            self._forget(draft.place)
        self.drafts_changed()

    def _draw_fault(self) -> None:
        sentence = rules.fault_near(self._problems, self._editor.line)
        self.pane(Line, "fault").say(((f" ✗ {sentence}", "bad"),) if sentence else ())

    def _draw_trial(self) -> None:
        shown = self._trial if self._trial and self._trial.place == self._loaded else None
        self.set_class(shown is not None, "tried")
        pane, table = self.pane(Vertical, "trial"), self.pane(RecordTable, "trace")
        title = "Test a header"
        if shown is None:
            table.show(())
            self.pane(Line, "result").say(())
            self.pane(Line, "note").say(())
        else:
            masks = self.context.masks
            title = trial.title(shown, masks, self._editor.text)
            table.show(trial.rows(shown, masks))
            said = trial.outcome(shown, masks)
            self.pane(Line, "result").say(((f" {said}", "accent"),))
            self.pane(Line, "note").say(((f" {trial.before(shown, masks)}", "muted"),))
        entitle(pane, plain_text(title, 70))
