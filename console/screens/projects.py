# SPDX-License-Identifier: Apache-2.0
"""Projects and the rules that route to them: the settings of each project, and an editor for rule
texts, where a text can be tried on a session before it is saved."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.form import fill_in
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.rule_editing import RuleEditingScreen
from console.transfer.export import Exportable
from console.views import project_settings, rules
from console.views.question import Answers
from console.views.rows import Piece
from console.views.rules import RulePlace
from console.widgets.card import Card
from console.widgets.chrome import Line, entitle
from console.widgets.debounce import Debounce
from console.widgets.rule_editor import RuleEditor
from console.widgets.tab_line import TabLine
from console.widgets.table import RecordTable
from engine.model.archive import Project
from engine.model.live import ReceiverStatus

PAUSE = 0.2
"""Seconds that the cursor has to rest until what it is on is shown."""

SETTINGS, RULES = "Settings", "Rules"


class ProjectsScreen(RuleEditingScreen):
    """The list of rules and projects, and the one that is chosen."""

    NAME = "projects"
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("projects.tcss")
    BINDINGS = bindings("projects")

    def __init__(self, context: ConsoleContext) -> None:
        """Show the projects."""
        super().__init__(context)
        self._projects: dict[str, Project] = {}
        self._receivers: tuple[ReceiverStatus, ...] = ()
        self._places: dict[str, RulePlace] = {}
        self._tab = SETTINGS
        self._choose_soon = Debounce(self)

    def content(self) -> ComposeResult:
        """Lay out the list and what is chosen."""
        yield TabLine(id="tabs")
        with Horizontal(id="halves"):
            yield RecordTable(rules.COLUMNS, empty="asking the engine …", id="places")
            with Vertical(id="right"):
                yield RecordTable(
                    project_settings.COLUMNS, empty="there is no project yet: n", id="settings"
                )
                yield Line(id="says-0")
                yield Line(id="says-1")
                yield Card(id="words")
                yield from self.rule_panes()

    def on_mount(self) -> None:
        """Begin to ask."""
        places = self.pane(RecordTable, "places")
        places.border_title = "Projects"
        self.pane(RecordTable, "settings").border_title = SETTINGS
        places.focus()
        self._draw_right()
        self.look()

    def crumb(self) -> str:
        """Say which one is shown."""
        return f"Projects ▸ {self.place.title}" if self.place is not None else "Projects"

    def look(self) -> None:
        """Ask for the list."""
        self._fetch()

    async def action_do(self, name: str, *arguments: int) -> None:
        """Run a verb of the key table, on what the cursor is on even where it does not rest yet."""
        self._choose()
        await super().action_do(name, *arguments)

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        project = self.place is not None and self.place.project
        if action == "tab" and not project:
            return "there is one tab only"
        if action == "people" and not project:
            return "members are those of a project"
        return super().why_not(action)

    def leave_part(self) -> bool:
        """Go back to the list."""
        if super().leave_part():
            return True
        places = self.pane(RecordTable, "places")
        if self.focused is places:
            return False
        self.remove_class("detail")
        places.focus()
        self._draw_tabs()
        return True

    def copies(self) -> Sequence[Copyable]:
        """Offer what is chosen, and the command that shows it."""
        place = self.place
        if place is None:
            return ()
        if place.project:
            command = f"anteroom project show {place.project}"
            return (
                Copyable(title="id", text=place.project),
                Copyable(title="address", text=f"/data/projects/{place.project}"),
                Copyable(title="command", text=command),
            )
        return self.copies_of_rules(place)

    def exports(self) -> Exportable | None:
        """Offer the projects."""
        projects = list(self._projects.values())
        return Exportable(
            name="projects",
            titles=("project", *(one.title for one in project_settings.SETTINGS)),
            rows=[project_settings.exported(one) for one in projects],
        )

    def do_open(self) -> None:
        """Go from the list into what is chosen."""
        self.add_class("detail")
        self._draw_tabs()
        if (target := self._shown()) is not None:
            # It is laid out only after this.
            self.call_after_refresh(target.focus)

    def do_tab(self, step: int) -> None:
        """Show the next tab of a project."""
        self._tab = RULES if self._tab == SETTINGS else SETTINGS
        inside = self.focused is not self.pane(RecordTable, "places")
        self._draw_right()
        if inside and (target := self._shown()) is not None:
            self.call_after_refresh(target.focus)

    def do_people(self) -> None:
        """Show who has a role in the project."""
        if self.place is not None:
            self.host.open_people(self.place.project)

    def do_object(self, step: int) -> None:
        """Choose the one before or after in the list."""
        self.pane(RecordTable, "places").action_cursor(step)

    @work(group=QUESTION, exit_on_error=False)
    async def do_new(self) -> None:
        """Add a project."""
        asked = project_settings.new_question(tuple(self._projects), {})
        added = await fill_in(self, asked, self._add)
        if added is not None:
            self.tell(f"project {added.id} is added")
            await self._load()
            self.pane(RecordTable, "places").go_to_key(RulePlace(project=added.id).key)

    @on(RecordTable.RowChosen, "#places")
    def enter_place(self) -> None:
        """Go into what is chosen."""
        self._choose()
        self.do_open()

    @on(RecordTable.RowChosen, "#settings")
    def enter_setting(self, message: RecordTable.RowChosen) -> None:
        """Ask for another value."""
        self._edit(message.key)

    @on(RecordTable.CursorMoved, "#places")
    def place_moved(self) -> None:
        """Show what the cursor is on once it rests."""
        self._choose_soon.after(PAUSE, self._choose)

    @on(RecordTable.CursorMoved, "#settings")
    def setting_moved(self) -> None:
        """Explain the setting."""
        setting = project_settings.BY_NAME.get(self.pane(RecordTable, "settings").cursor_key or "")
        says = (*setting.says, "", "") if setting is not None else ("", "")
        for number in (0, 1):
            self.pane(Line, f"says-{number}").say(((f"  {says[number]}", "muted"),))

    def drafts_changed(self) -> None:
        """Draw the sign of an edit in the list."""
        self._draw_list()
        self._tell_place()

    async def _add(self, given: Answers) -> Project:
        aliases = project_settings.names(given["aliases"])
        added = await self.engine.projects.add(given["id"], title=given["title"], aliases=aliases)
        if given["code"] and given["code"] != str(added.prearchive_code):
            changed = await self.asked(
                self.engine.projects.set(added.id, {"prearchive_code": given["code"]})
            )
            return changed or added
        return added

    @work(group=QUESTION, exit_on_error=False)
    async def _edit(self, name: str) -> None:
        project = self._projects.get(self.place.project) if self.place else None
        if project is None:
            return
        setting = project_settings.BY_NAME[name]
        if why := setting.fixed or self.why_off("new"):
            self.tell(f"not now: {why}", "warning")
            return
        # Ask again: what the screen knows may be a moment old.
        now = await self.asked(self.engine.projects.show(project.id))
        if now is None:
            return

        async def change(given: Answers) -> Project:
            return await self.engine.projects.set(now.id, {name: given[name]})

        changed = await fill_in(self, project_settings.question(now, name), change)
        if changed is not None:
            self._projects[changed.id] = changed
            self.tell(f"{changed.id}: {setting.title} is {project_settings.shown(changed, name)}")
            self._draw_list()
            self._draw_right()

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _fetch(self) -> None:
        await self._load()

    async def _load(self) -> None:
        projects = await self.permitted(self.engine.projects.list(), ())
        if projects is None:
            return
        receivers = await self.permitted(self.engine.receivers.list(), ())
        if receivers is None:
            return
        self._projects = {one.id: one for one in projects}
        self._receivers = receivers
        found = rules.places(receivers, projects)
        kept = {one.place.key: one.place for one in self.context.drafts.values()}
        # Drafts stay in the list, even if their receiver has no rules any more.
        self._places = {one.key: one for one in found if one.has_rules or not one.project}
        self._places |= kept | {one.key: one for one in found if one.project}
        self._draw_list()
        self._choose(again=True)

    def _choose(self, *, again: bool = False) -> None:
        key = self.pane(RecordTable, "places").cursor_key
        place = self._places.get(key or "")
        if place is None or (place == self.place and not again):
            return
        self.choose_rules(place)
        self._draw_right()
        self.draw_lines()

    def _draw_list(self) -> None:
        table = self.pane(RecordTable, "places")
        rows = [
            rules.row(one, self._projects.get(one.project), edited=key in self.context.drafts)
            for key, one in self._places.items()
            if not one.project or one.project in self._projects
        ]
        table.show(rows)
        entitle(table, subtitle="n new" if self._projects else "n adds a project")

    def _draw_right(self) -> None:
        place, settings = self.place, self.pane(RecordTable, "settings")
        words = self.pane(Card, "words")
        project = self._projects.get(place.project) if place else None
        shown = self._shown()
        for one in (settings, words, self.pane(Vertical, "rules")):
            one.display = one is shown or shown in one.walk_children()
        for number in (0, 1):
            self.pane(Line, f"says-{number}").display = shown is settings
        if project is not None:
            settings.show(project_settings.rows(project))
            self.setting_moved()
        if shown is words:
            if project is not None:
                words.show("Rules", rules.RULES_LIVE_ELSEWHERE)
            elif place is not None:
                words.show(place.title, rules.explained(place))
        self._draw_tabs()
        self._tell_place()
        self.keys_changed()

    def _draw_tabs(self) -> None:
        place = self.place
        if place is None:
            self.pane(TabLine, "tabs").show((), "")
            return
        tabs, chosen = ((SETTINGS, RULES), self._tab) if place.project else ((RULES,), RULES)
        number = self.pane(RecordTable, "places").cursor + 1
        after = f"[ ] chooses · {number} of {len(self._places)}"
        self.pane(TabLine, "tabs").show(tabs, chosen, before=place.title, after=after)

    def _shown(self) -> RecordTable | Card | RuleEditor | None:
        place = self.place
        if place is None:
            return None
        if place.has_rules:
            return self.pane(RuleEditor, "editor")
        if place.project and self._tab == SETTINGS:
            return self.pane(RecordTable, "settings")
        return self.pane(Card, "words")

    def _tell_place(self) -> None:
        pieces: list[Piece] = []
        place = self.place
        if place is not None and place.has_rules:
            pieces = self.said_of_rules()
        if not pieces:
            count = len(self._projects)
            pieces = [(f"{count} projects" if count != 1 else "1 project", "muted")]
        if others := [key for key in self.context.drafts if place is None or key != place.key]:
            pieces.append((f" · {len(others)} other edited, not saved", "look"))
        self.say(*pieces)
