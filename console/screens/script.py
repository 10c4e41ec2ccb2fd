# SPDX-License-Identifier: Apache-2.0
"""The editor of one anonymization script: its text is checked as it is typed and saved as a version
with a reason; an edit that is not saved outlives the console. Beside it are the versions and the
lookup table."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import TextArea

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.form import fill_in
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.script_migrating import migrate
from console.screens.script_rerunning import rerun
from console.screens.script_sampling import ScriptSamplingScreen
from console.screens.script_versions import ScriptVersionScreen
from console.views import script_draft, script_samples, script_waiting, scripts
from console.views.question import Answers
from console.views.rows import Piece
from console.views.script_draft import DRAFT, ScriptDraft
from console.widgets.chrome import entitle
from console.widgets.dialogs import AskScreen
from console.widgets.tab_line import TabLine
from console.widgets.table import RecordTable
from engine.model.remarks import Severity
from engine.model.scripts import ScriptSummary, ScriptText
from engine.service.script_words import language_of

VERSIONS, TRIAL, SAMPLES, LOOKUPS = "Versions", "Dry run", "Samples", "Table"
TABS = {VERSIONS: "versions", TRIAL: "trial", SAMPLES: "samples", LOOKUPS: "lookups"}
"""The panes beside the text."""


class ScriptScreen(ScriptSamplingScreen):
    """The editor of one script."""

    NAME = "script"
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("script.tcss")
    BINDINGS = bindings("script")

    def __init__(
        self,
        context: ConsoleContext,
        scope: str,
        *,
        line: int = 0,
        proposed: str = "",
        back: str = "",
    ) -> None:
        """Edit the script of a scope. Begin at a line, and put the `proposed` text before it into
        the draft, at the end where no line is named. Who leaves goes `back` to a mode."""
        super().__init__(context)
        self.scope = scope
        self._line = line
        self._proposed = proposed
        self._back = back
        self._versions: tuple[ScriptSummary, ...] = ()
        self._tab = VERSIONS
        self._saving = False

    def content(self) -> ComposeResult:
        """Lay out the text and its problems, and beside them what belongs to it."""
        with Horizontal(id="halves"):
            with Vertical(id="left"):
                yield self.editor
                yield from self.checking_panes()
            with Vertical(id="right"):
                yield TabLine(id="tabs")
                yield RecordTable(
                    script_draft.VERSION_COLUMNS, empty="asking the engine …", id="versions"
                )
                yield self.trial_pane()
                yield self.samples_pane()
                yield self.table

    def on_mount(self) -> None:
        """Begin to ask."""
        entitle(self.editor, scripts.owner(self.scope))
        self.pane(RecordTable, "versions").border_title = VERSIONS
        self.table.border_title = "Lookup table"
        self.editor.focus()
        self._draw_tabs()
        self.draw_trial()
        self.draw_samples()
        self.know_words()
        self.look()

    def on_unmount(self) -> None:
        """Keep what was typed last."""
        self.keep_draft()

    def crumb(self) -> str:
        """Say whose script it is, and which version will come of it."""
        base = f"v{self.base.version}" if self.base is not None and self.base.version else "new"
        what = f"draft of {script_draft.draft_name(self._versions)}" if self.draft else base
        return f"Scripts ▸ {scripts.owner(self.scope)} ▸ {what}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        asks = ("save", "turn", "back_to", "trial", "samples")
        if action in asks and self.base is None:
            return "the script was not read yet"
        if action in ("save", "turn", "back_to", "rerun", "drop", "trial", "samples", "migrate"):
            if why := scripts.may_not(self.context.me, self.scope):
                return why
            if why := self._why_nothing(action):
                return why
        if why := self.why_no_trial(action):
            return why
        if action == "open" and self.focused is not self.pane(RecordTable, "versions"):
            return "go to the versions first: ctrl+o"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the id of the version, the line of the cursor, and the command that shows it."""
        base = self.base
        if base is None:
            return ()
        line = self.editor.document.get_line(self.editor.line - 1)
        found = [Copyable(title="line", text=line)]
        found += [Copyable(title="id", text=base.id)] if base.id else []
        return (*found, Copyable(title="command", text=scripts.command("show", self.scope)))

    def look(self) -> None:
        """Ask for the script and its versions."""
        self._fetch()

    def leave_part(self) -> bool:
        """Leave what is found, then go back to the text."""
        if super().leave_part():
            return True
        if self.focused is self.editor and not self.has_class("detail"):
            return False
        self.remove_class("detail")
        self.editor.focus()
        return True

    def do_leave_screen(self) -> bool:
        """Leave the editor; go back to the screen that has led here."""
        left = super().do_leave_screen()
        if left and self._back:
            self.host.action_mode(self._back)
        return left

    def do_tab(self, step: int) -> None:
        """Show the next tab beside the text."""
        names = tuple(TABS)
        self._show(names[(names.index(self._tab) + step) % len(names)])

    def do_versions(self) -> None:
        """Go to the versions."""
        self._show(VERSIONS)

    def show_trial(self) -> None:
        """Go to the dry run."""
        self._show(TRIAL)

    def show_samples(self) -> None:
        """Go to the samples."""
        self._show(SAMPLES)

    def do_lookups(self) -> None:
        """Go to the lookup table."""
        self._show(LOOKUPS)

    @on(RecordTable.RowChosen, "#versions")
    async def version_chosen(self) -> None:
        """Compare it."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved, "#versions")
    def version_moved(self) -> None:
        """What can be done depends on the version."""
        self.keys_changed()

    @work(group=QUESTION, exit_on_error=False)
    async def do_open(self) -> None:
        """Show what differs between a version and the text as it stands."""
        base, chosen = self.base, self._chosen
        if base is None:
            return
        version = base.version if chosen is None else chosen.version
        other = await self.asked(self.engine.scripts.show(self.scope, version))
        if other is not None:
            now = "the draft" if self.draft else f"v{base.version}"
            self.app.push_screen(
                ScriptVersionScreen(self.context, other, against=self.editor.text, called=now)
            )

    @work(group=QUESTION, exit_on_error=False)
    async def do_save(self) -> None:
        """Save the text as the next version, once it has no error and the person has said why."""
        base = self.base
        if base is None or self._saving:
            return
        self._saving = True
        try:
            if not await self.sound():
                return
            now = await self.asked(self.engine.scripts.show(self.scope))
            if now is None:
                return
            waiting = await self.asked(self.engine.scripts.waiting(self.scope))
            worse = script_samples.warning(await self.run_samples())
            draft = self.draft_now(base)
            warnings = sum(one.severity is Severity.WARNING for one in self.remarks)
            saved = await fill_in(
                self,
                script_draft.saving(base, now, draft, warnings, waiting, worse),
                lambda given: self._set(draft, given),
            )
            if saved is not None:
                self._saved(draft, saved)
                after = await self.asked(self.engine.scripts.waiting(self.scope))
                if after is not None and (left := script_waiting.after_saving(after)):
                    self.tell(left, "warning")
        finally:
            self._saving = False

    @work(group=QUESTION, exit_on_error=False)
    async def do_turn(self) -> None:
        """Enable the script, or disable it, after a question."""
        now = await self.asked(self.engine.scripts.show(self.scope))
        if now is None:
            return

        async def turn(_given: Answers) -> ScriptText:
            verb = self.engine.scripts.disable if now.enabled else self.engine.scripts.enable
            return await self.host.carry_out(lambda: verb(now.scope))

        turned = await fill_in(self, scripts.turning(now), turn)
        if turned is not None:
            how = "is enabled" if turned.enabled else "is off"
            self.tell(f"the script of {scripts.owner(self.scope)} {how}")
        self.look()

    @work(group=QUESTION, exit_on_error=False)
    async def do_migrate(self) -> None:
        """Turn the text into version 6, after a question."""
        await migrate(self)

    @work(group=QUESTION, exit_on_error=False)
    async def do_rerun(self) -> None:
        """Run the version in force over waiting sessions again, after a question."""
        await rerun(self, self.scope)

    @work(group=QUESTION, exit_on_error=False)
    async def do_back_to(self) -> None:
        """Make an earlier version the active one again; a draft stays a draft."""
        chosen = self._chosen
        now = await self.asked(self.engine.scripts.show(self.scope))
        if chosen is None or now is None:
            return

        async def activate(given: Answers) -> ScriptText:
            return await self.host.carry_out(
                lambda: self.engine.scripts.activate(self.scope, chosen.version, given["reason"])
            )

        active = await fill_in(self, script_draft.bringing_back(chosen, now), activate)
        if active is not None:
            self.tell(f"v{active.version} is the active one again")
        self.look()

    @work(group=QUESTION, exit_on_error=False)
    async def do_drop(self) -> None:
        """Go back to the version that the draft began with."""
        draft, base = self.draft, self.base
        if draft is None or base is None:
            return
        question = script_draft.dropping(draft, self.edited)
        if await self.app.push_screen_wait(AskScreen(question)) is not None:
            self.forget_draft()
            self.put(base, None)
            self.look()

    def drawn(self) -> None:
        """Draw what tells how the text stands."""
        versions = self.pane(RecordTable, "versions")
        base = self.base
        if base is not None:
            versions.empty = "nobody has written one yet"
            rows = script_draft.version_rows(self._versions, self.edited, base.version)
            versions.show(rows)
        entitle(versions, subtitle="enter compares · b brings back")
        state = ""
        if self.draft is not None and base is not None:
            state = f"{script_draft.draft_name(self._versions)}, from v{base.version}"
        elif base is not None:
            state = f"v{base.version}" if base.version else "nobody has written one yet"
        entitle(self.editor, subtitle=state)
        self._say()
        self.draw_trial()
        self.draw_samples()
        self.draw_lines()

    def _say(self) -> None:
        line, column = self.editor.place
        pieces: list[Piece] = [(f"Ln {line} Col {column}", "plain")]
        tag, name, vr = self.editor.under_cursor()
        if name:
            pieces.append((f" · {tag} {name}, {vr}", "accent"))
        elif tag:
            pieces.append((f" · {tag}: no dictionary names it", "muted"))
        here = [one for one in self.remarks if one.line == line and not one.path]
        if here and self.checked and not self.near_shown:
            bad = here[0].severity is Severity.ERROR
            pieces.append((f" · {here[0].message}", "bad" if bad else "look"))
        base = self.base
        if base is None:
            pieces = [("asking the engine …", "muted")]
        elif self.edited:
            pieces.append((f" · {script_draft.differing(self.edited, base.version)}", "look"))
        if counted := script_draft.counted(self.remarks):
            bad = any(one.severity is Severity.ERROR for one in self.remarks)
            pieces.append((f" · {counted}", "bad" if bad else "look"))
        elif base is not None and self.checked:
            pieces.append((" · no problem", "muted"))
        if base is not None and not self.checked:
            pieces.append((" · being checked …", "muted"))
        if self.unkept:
            pieces.append((" · the draft could not be written to your disk", "bad"))
        if base is not None and self._versions and self._versions_newer(base):
            pieces.append((" · another version was saved meanwhile", "look"))
        if base is not None and script_draft.altered(base.text):
            pieces.append((" · signs stand for what cannot be drawn, and are saved", "look"))
        if self.editor.read_only and base is not None:
            pieces.append((f" · {scripts.may_not(self.context.me, self.scope)}", "muted"))
        self.say(*pieces)

    def _versions_newer(self, base: ScriptText) -> bool:
        active = next((one for one in self._versions if one.active), None)
        return active is not None and active.id != base.id

    def cursor_placed(self) -> None:
        """Say what is under the cursor."""
        self._say()

    def _why_nothing(self, action: str) -> str:
        base = self.base
        if action in ("save", "drop") and self.draft is None:
            return "nothing is edited"
        if action == "migrate" and language_of(self.editor.text) == 6:
            return "it is of version 6 already"
        if action == "turn" and base is not None and not base.version:
            return "nobody has written one yet"
        if action == "back_to":
            chosen = self._chosen
            if self.focused is not self.pane(RecordTable, "versions") or chosen is None:
                return "go to one of the versions first: ctrl+o"
            if chosen.active:
                return "it is the active one"
        return ""

    @property
    def _chosen(self) -> ScriptSummary | None:
        key = self.pane(RecordTable, "versions").cursor_key
        if key is None or key == DRAFT:
            return None
        return next((one for one in self._versions if str(one.version) == key), None)

    @work(exclusive=True, group="script", exit_on_error=False)
    async def _fetch(self) -> None:
        status = await self.asked(self.engine.system.status())
        active = await self.asked(self.engine.scripts.show(self.scope))
        versions = await self.permitted(self.engine.scripts.history(self.scope), ())
        me = await self.asked(self.engine.people.who_am_i())
        if status is None or active is None or versions is None or me is None:
            return
        self._versions, self.context.me = versions, me
        self.home = status.home
        may = not scripts.may_not(me, self.scope) and not self.context.watching
        if self.base is None:
            self.editable = may
            await self._begin(active)
        elif self.draft is None and self.base != active:
            self.put(active, None)
        self.drawn()

    async def _begin(self, active: ScriptText) -> None:
        """Show the script for the first time: the draft that was left, or what is active."""
        left = self.context.script_drafts.get(self.home, self.scope) if self.editable else None
        base = active
        if left is not None and left.id != active.id:
            began = next((one for one in self._versions if one.id == left.id), None)
            found = None
            if began is not None:
                found = await self.asked(self.engine.scripts.show(self.scope, began.version))
            if found is None and left.id:
                # It began with a version that this engine does not have.
                left = None
            base = found or ScriptText(scope=self.scope) if left is not None else active
        self.put(base, left)
        if left is not None:
            self.tell("your draft is here again: ctrl+o compares it, x there drops it")
        if self._line:
            self.editor.go_to(self._line)
        if self._proposed and self.editable:
            self.editor.add_line(self._line or self.editor.document.line_count + 1, self._proposed)

    async def _set(self, draft: ScriptDraft, given: Answers) -> ScriptText:
        return await self.host.carry_out(
            lambda: self.engine.scripts.set(
                self.scope, draft.text, draft.lookups, reason=given["reason"]
            )
        )

    def _saved(self, draft: ScriptDraft, saved: ScriptText) -> None:
        state = "runs now" if saved.enabled else "is kept; the script is off"
        self.tell(f"v{saved.version} of the script of {scripts.owner(self.scope)} {state}")
        self.saved(draft, saved)
        self.look()

    def _show(self, tab: str) -> None:
        self._tab = tab
        self.add_class("detail")
        self._draw_tabs()
        self.call_after_refresh(self.query_one(f"#{TABS[tab]}").focus)

    def _draw_tabs(self) -> None:
        self.pane(TabLine, "tabs").show(tuple(TABS), self._tab)
        for tab, name in TABS.items():
            self.query_one(f"#{name}").display = tab == self._tab

    @on(TextArea.Changed, "#lookups")
    def lookups_changed(self) -> None:
        """Keep what was typed, and check it once nothing more is typed."""
        self.typed()
