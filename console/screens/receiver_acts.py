# SPDX-License-Identifier: Apache-2.0
"""What can be done to receivers on any screen that shows them: each act first asks for what it
needs, and afterwards reports the state of the receiver."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from textual import work

from console.runtime.typeahead import QUESTION
from console.screens.base.form import edit_values, fill_in
from console.screens.base.screen import BaseScreen, Copyable
from console.views import receivers, system
from console.views.project_settings import names
from console.views.question import Answers, Question
from console.widgets.dialogs import AskScreen
from engine.model.live import ReceiverStatus


class ReceiverScreen(BaseScreen):
    """A screen with receivers."""

    @property
    def receiver(self) -> ReceiverStatus | None:
        """The receiver that an act is about now."""
        raise NotImplementedError

    async def receivers_changed(self, receiver: ReceiverStatus) -> None:
        """Go on after an act, with the receiver as it is now."""

    def why_not_receiver(self, action: str) -> str:
        """Say why a verb is not possible for the receiver now."""
        if action not in ("open", "limits", "storing", "tls", "start", "stop", "echo"):
            return ""
        receiver = self.receiver
        if receiver is None:
            return "there is no receiver here"
        if action == "echo":
            return "" if receiver.listening else "it does not listen"
        if receiver.origin == "settings":
            return receivers.FROM_SETTINGS
        if action == "start" and receiver.listening:
            return "it is up"
        return "it is stopped" if action == "stop" and not receiver.enabled else ""

    def copies_of_receiver(self, receiver: ReceiverStatus) -> Sequence[Copyable]:
        """Return what can be copied of a receiver."""
        port = str(receiver.port)
        command = ["anteroom", "receiver", "echo", receiver.ae_title, "--port", port]
        return (
            Copyable(title="AE title", text=receiver.ae_title),
            Copyable(title="port", text=port),
            Copyable(title="command", text=shlex.join(command)),
        )

    @work(group="echo", exit_on_error=False)
    async def echo_receiver(self) -> None:
        """Ask the receiver for a C-ECHO, and say what it answers."""
        if (receiver := self.receiver) is None:
            return
        name = f"{receiver.ae_title} on port {receiver.port}"
        self.say((f"asking {name} for an echo …", "muted"))
        answer = await self.asked(self.engine.receivers.echo(receiver.ae_title, receiver.port))
        if answer is not None:
            self.tell(answer if name in answer else f"{name}: {answer}")
        await self.receivers_changed(receiver)

    @work(group=QUESTION, exit_on_error=False)
    async def add_receiver(self) -> None:
        """Ask for a new receiver, and add it."""

        async def add(given: Answers) -> ReceiverStatus:
            allow = names(given["allow"])
            return await self.engine.receivers.add(
                given["ae_title"],
                int(given["port"]),
                allow,
                values=receivers.first_values(given),
            )

        added = await fill_in(self, receivers.new_question(), add)
        if added is not None:
            await self._changed(added)

    @work(group=QUESTION, exit_on_error=False)
    async def edit_receiver(self) -> None:
        """Ask for other values of the receiver, and set them."""
        await self._edit(receivers.question)

    @work(group=QUESTION, exit_on_error=False)
    async def limit_receiver(self) -> None:
        """Ask for other limits of the receiver, and set them."""
        await self._edit(receivers.limits_question)

    @work(group=QUESTION, exit_on_error=False)
    async def store_receiver(self) -> None:
        """Ask how the receiver is to keep what it gets, and set that."""
        await self._edit(receivers.storing_question)

    @work(group=QUESTION, exit_on_error=False)
    async def secure_receiver(self) -> None:
        """Ask for other TLS settings of the receiver, and put them into force."""
        await self._edit(receivers.tls_question)

    @work(group="acts", exit_on_error=False)
    async def start_receiver(self) -> None:
        """Let the receiver take associations."""
        if (receiver := self.receiver) is None:
            return
        up = await self.asked(self.engine.receivers.start(receiver.ae_title, receiver.port))
        if up is not None:
            await self._changed(up)

    @work(group=QUESTION, exit_on_error=False)
    async def stop_receiver(self) -> None:
        """Ask, and let the receiver take no more associations."""
        if (receiver := self.receiver) is None:
            return
        question = receivers.stop_question(receiver)
        if await self.app.push_screen_wait(AskScreen(question)) is None:
            return
        stopped = await self.asked(self.engine.receivers.stop(receiver.ae_title, receiver.port))
        if stopped is not None:
            await self._changed(stopped)

    async def _edit(self, asking: Callable[[ReceiverStatus], Question]) -> None:
        async def edit(receiver: ReceiverStatus, given: Answers) -> ReceiverStatus:
            changes = receivers.changes(receiver, given)
            return await self.engine.receivers.edit(receiver.ae_title, receiver.port, changes)

        changed = await edit_values(self, self.receiver, asking, edit)
        if changed is not None:
            await self._changed(changed)

    async def _changed(self, receiver: ReceiverStatus) -> None:
        word = system.receiver_state(receiver)[1]
        note = f": {receiver.note}" if receiver.note else ""
        self.tell(
            f"{receiver.ae_title} on port {receiver.port} is {word}{note}",
            "warning" if receiver.note else "information",
        )
        await self.receivers_changed(receiver)
