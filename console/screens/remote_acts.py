# SPDX-License-Identifier: Apache-2.0
"""What can be done to remote AEs on any screen that shows them: each act first asks for what it
needs, and afterwards says how the remote stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from textual import work

from console.runtime.typeahead import QUESTION
from console.screens.base.form import edit_values, fill_in
from console.screens.base.screen import BaseScreen, Copyable
from console.views import figures, remotes
from console.views.question import Answers, Question
from console.widgets.dialogs import AskScreen
from engine.model.errors import EngineError
from engine.model.remotes import Remote


class RemoteScreen(BaseScreen):
    """A screen with remote AEs."""

    @property
    def remote(self) -> Remote | None:
        """The remote that an act is about now."""
        raise NotImplementedError

    async def remotes_changed(self, name: str) -> None:
        """Go on after an act; `name` is the remote that it was about."""

    def why_not_remote(self, action: str) -> str:
        """Say why a verb is not possible for the remote now."""
        if action == "storing":
            return "that is for receivers"
        if action not in ("open", "limits", "tls", "start", "stop", "echo"):
            return ""
        if (remote := self.remote) is None:
            return "there is no remote here: n adds one"
        return "it is enabled" if action == "start" and remote.enabled else ""

    def copies_of_remote(self, remote: Remote) -> Sequence[Copyable]:
        """Return what can be copied of a remote."""
        address = f"{remote.ae_title}@{remote.host}:{remote.port}"
        command = ["anteroom", "remote", "echo", remote.name]
        return (
            Copyable(title="name", text=remote.name),
            Copyable(title="address", text=address),
            Copyable(title="command", text=shlex.join(command)),
        )

    @work(group="echo", exit_on_error=False)
    async def echo_remote(self) -> None:
        """Ask the remote for a C-ECHO, and say what it answers."""
        if (remote := self.remote) is None:
            return
        self.say((f"asking {remote.name} for an echo …", "muted"))
        answer = await self.asked(self.engine.remotes.echo(remote.name))
        if answer is not None and answer.ok:
            self.tell(f"{remote.name} answered in {figures.took(answer.milliseconds)}")
        elif answer is not None:
            self.tell(f"{remote.name} does not answer: {answer.reason}", "warning")
        await self.remotes_changed(remote.name)

    @work(group=QUESTION, exit_on_error=False)
    async def add_remote(self) -> None:
        """Ask for a new remote, and add it."""

        async def add(given: Answers) -> Remote:
            place = (given["name"], given["ae_title"], given["host"], int(given["port"]))
            return await self.engine.remotes.add(*place)

        added = await fill_in(self, remotes.new_question(), add)
        if added is not None:
            self.tell(f"{added.name} is added; t asks it for an echo")
            await self.remotes_changed(added.name)

    @work(group=QUESTION, exit_on_error=False)
    async def edit_remote(self) -> None:
        """Ask for other values of the remote, and set them."""
        await self._edit_remote(remotes.question)

    @work(group=QUESTION, exit_on_error=False)
    async def limit_remote(self) -> None:
        """Ask for other limits of the remote, and set them."""
        await self._edit_remote(remotes.limits_question)

    @work(group=QUESTION, exit_on_error=False)
    async def secure_remote(self) -> None:
        """Ask for other TLS settings of the remote, and set them."""
        await self._edit_remote(remotes.tls_question)

    @work(group="acts", exit_on_error=False)
    async def enable_remote(self) -> None:
        """Let sessions be sent to the remote."""
        if (remote := self.remote) is None:
            return
        made = await self.asked(self.engine.remotes.edit(remote.name, {"enabled": "true"}))
        if made is not None:
            self.tell(f"{made.name} is enabled")
            await self.remotes_changed(made.name)

    @work(group=QUESTION, exit_on_error=False)
    async def delete_remote(self) -> None:
        """Ask, and delete the remote."""
        if (remote := self.remote) is None:
            return
        question = remotes.delete_question(remote)
        if await self.app.push_screen_wait(AskScreen(question)) is None:
            return
        try:
            await self.engine.remotes.delete(remote.name)
        except EngineError as error:
            self.failed(error)
        else:
            self.tell(f"{remote.name} is deleted")
        await self.remotes_changed(remote.name)

    async def _edit_remote(self, asking: Callable[[Remote], Question]) -> None:
        async def edit(remote: Remote, given: Answers) -> Remote:
            return await self.engine.remotes.edit(remote.name, remotes.changes(remote, given))

        changed = await edit_values(self, self.remote, asking, edit)
        if changed is not None:
            self.tell(f"{changed.name} is changed")
            await self.remotes_changed(changed.name)
