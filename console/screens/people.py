# SPDX-License-Identifier: Apache-2.0
"""Who may do what: everybody with their roles, over System; over Projects, who has a role in one
project. Who asks for access stands above them. What a role lets do is in `engine.model.people`."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.base.short_list import ShortListScreen
from console.transfer.export import Exportable
from console.views import people, people_questions
from console.views.people import Person
from console.views.question import Answers, Question
from console.widgets.card import Card
from console.widgets.table import RecordTable
from engine.model.filters import Condition
from engine.model.people import AccessRequest, Group, Member, Permission, User


class PeopleScreen(ShortListScreen[Person]):
    """The people of a site, or of one project."""

    NAME = "people"
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("people.tcss")
    BINDINGS = bindings("people")

    def __init__(self, context: ConsoleContext, project: str = "") -> None:
        """Show everybody, or the members of a project."""
        super().__init__(context)
        self._project = project

    def content(self) -> ComposeResult:
        """Lay out the list and the card."""
        columns = people.MEMBER_COLUMNS if self._project else people.COLUMNS
        with Horizontal(id="halves"):
            yield RecordTable(columns, empty="asking the engine …", id="list")
            yield Card(id="card")

    def on_mount(self) -> None:
        """Begin to ask."""
        self.entitle(f"Members of {self._project}" if self._project else "People")
        super().on_mount()

    def crumb(self) -> str:
        """Say which screen is below."""
        return f"Projects ▸ {self._project} ▸ Members" if self._project else "System ▸ People"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "ask":
            return self._why_not_ask()
        if self.refusal and action in ("open", "new", "grant", "revoke"):
            return self.refusal
        if action in ("grant", "revoke") and (why := self._lacking()):
            return why
        person = self.chosen
        if action == "events":
            return self._why_no_events(person)
        if action == "new" and self._project:
            return "users are added on System: 0, u"
        if action == "open" and not isinstance(person, User | AccessRequest):
            return "a role is given with a and taken with x" if person else "the list is empty"
        if action == "revoke":
            return self._why_none_to_revoke(person)
        if action == "export" and not self.known:
            return "the list is empty"
        return ""

    def copies(self) -> Sequence[Copyable]:
        """Offer the login and the command that shows it."""
        if (person := self.chosen) is None:
            return ()
        login = people.holder(person)
        command = shlex.join(["anteroom", "user", "show", login])
        return (
            Copyable(title="login", text=login),
            *(() if login.startswith("@") else (Copyable(title="command", text=command),)),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows."""
        if not self.known:
            return None
        return Exportable(
            name=f"members-{self._project}" if self._project else "people",
            titles=tuple(column.title for column in self.table.painter.columns),
            rows=[row.cells for row in self.table.rows],
        )

    @work(group=QUESTION, exit_on_error=False)
    async def do_new(self) -> None:
        """Ask for a user, and add them."""
        asked = people_questions.new_user(await self._projects())

        async def add(given: Answers) -> str:
            chosen = ("name", "uid")
            values = {name: given[name] for name in chosen if given[name]}
            added = await self.engine.people.add(given["login"], values)
            if given["role"]:
                await self.engine.people.grant(added.login, given["role"], given["project"])
            return added.login

        await self._do(asked, add, "{} is added")

    @work(group=QUESTION, exit_on_error=False)
    async def do_open(self) -> None:
        """Ask for other values of a user, or answer a request."""
        person = self.chosen
        if isinstance(person, AccessRequest):
            await self._answer(person)
        elif isinstance(person, User):
            # What the screen knows may be a moment old.
            now = await self.asked(self.engine.people.show(person.login))
            if now is None:
                return

            async def change(given: Answers) -> str:
                changes = people_questions.changes(now, given)
                return (await self.engine.people.set(now.login, changes)).login

            await self._do(people_questions.edit_user(now), change, "{} is changed")

    @work(group=QUESTION, exit_on_error=False)
    async def do_grant(self) -> None:
        """Ask for a role, and give it; who asks for one is offered that."""
        person = self.chosen
        if isinstance(person, AccessRequest):
            await self._answer(person)
            return
        holder = people.holder(person) if person is not None else ""
        projects = () if self._project else await self._projects()

        async def grant(given: Answers) -> str:
            project = given.get("project", self._project)
            await self.engine.people.grant(given["holder"], given["role"], project)
            return f"{given['holder']} is {people.in_words(given['role'], project)} now"

        await self._do(people_questions.grant(holder, projects, self._project), grant)

    @work(group=QUESTION, exit_on_error=False)
    async def do_revoke(self) -> None:
        """Ask which role is taken away, and take it; or answer a request with no."""
        person = self.chosen
        if person is None:
            return
        if isinstance(person, AccessRequest):
            request = person

            async def decline(given: Answers) -> str:
                await self.engine.people.decline(request.id, given["reason"])
                return f"{request.login} is answered with no"

            await self._do(people_questions.decline(request), decline)
            return
        holder, held = people.holder(person), self._held(person)
        by_words = {people.in_words(*each): each for each in held}

        async def revoke(given: Answers) -> str:
            await self.engine.people.revoke(holder, *by_words[given["role"]])
            return f"{holder} is no longer {given['role']}"

        await self._do(people_questions.revoke(holder, held), revoke)

    @work(group=QUESTION, exit_on_error=False)
    async def do_ask(self) -> None:
        """Ask for access to the project."""
        project = self._project

        async def ask(given: Answers) -> str:
            await self.engine.people.ask(project, given["role"], given["reason"])
            return f"access to {project} is asked for"

        await self._do(people_questions.ask(project), ask)

    async def do_events(self) -> None:
        """Show in the audit trail what they have done."""
        if (person := self.chosen) is not None:
            await self.host.open_audit(str(Condition(field="who", value=people.holder(person))))

    def draw_card(self) -> None:
        """Show what is known of the person under the cursor."""
        if self.chosen is None:
            self.card.show("", ())
        else:
            card = people.card(self.chosen, self.context.clock())
            self.card.show(people.holder(self.chosen), card)

    def _held(self, person: Person) -> tuple[tuple[str, str], ...]:
        if isinstance(person, Member):
            return ((person.role.value, self._project),)
        return people.held(person)

    def _lacking(self) -> str:
        """Say why roles in the project are not this person's affair; in some project they are."""
        if not self._project:
            return ""
        return people.lacking(self.context.me, Permission.CONFIGURE, self._project)

    def _why_not_ask(self) -> str:
        if not self._project:
            return "access is asked for at a project: 6, m"
        lacks = self.context.me is None or self.refusal or self._lacking()
        return "" if lacks else "you may give roles here yourself: a"

    def _why_no_events(self, person: Person | None) -> str:
        if person is None:
            return "the list is empty"
        return "a group does nothing: its users do" if people.holder(person)[0] == "@" else ""

    def _why_none_to_revoke(self, person: Person | None) -> str:
        if person is None:
            return "the list is empty"
        if isinstance(person, AccessRequest) or self._held(person):
            return ""
        return "they have no role: enter, and disabled, keeps them out"

    async def _answer(self, request: AccessRequest) -> None:
        async def grant(given: Answers) -> str:
            await self.engine.people.grant(request.login, given["role"], request.project)
            return f"{request.login} is {people.in_words(given['role'], request.project)} now"

        await self._do(people_questions.accept(request), grant)

    async def _do(
        self, question: Question, act: Callable[[Answers], Awaitable[str]], done: str = "{}"
    ) -> None:
        """Ask, do it in its turn whatever becomes of this screen, and show how it stands."""
        made = await self.ask(question, act)
        if made is not None:
            self.tell(done.format(made))
            await self._ask_engine()

    async def _projects(self) -> tuple[str, ...]:
        found = await self.asked(self.engine.projects.list())
        return tuple(one.id for one in found or ())

    @work(exclusive=True, group="people", exit_on_error=False)
    async def fetch(self) -> None:
        """Ask for the list."""
        await self._ask_engine()

    async def _ask_engine(self) -> None:
        found: list[Person] = []
        requests = await self.permitted(self.engine.people.requests(), ())
        groups: tuple[Group, ...] | None = ()
        if not self._project:
            groups = await self.permitted(self.engine.people.groups(), ())
        # Whoever may not see the rest sees nobody, and reads why.
        self.refusal = ""
        mine: tuple[User | Member, ...] | None
        if self._project:
            mine = await self.permitted(self.engine.people.members(self._project), ())
        else:
            mine = await self.permitted(self.engine.people.list(), ())
        if requests is None or groups is None or mine is None:
            return
        found = [one for one in requests if self._project in ("", one.project)]
        found += [*mine, *groups]
        self.known = {people.key(one): one for one in found}
        none = "nobody has a role here: a gives one" if self._project else "no user yet: n adds one"
        self.table.empty = self.refusal or none
        self._draw()

    def _draw(self) -> None:
        now = self.context.clock()
        self.table.show(
            [
                people.asking_row(one)
                if self._project and isinstance(one, AccessRequest)
                else people.row(one, now)
                for one in self.known.values()
            ]
        )
        self.draw_card()
        self.say((people.said(self.known.values()), "muted"))
        self.keys_changed()
