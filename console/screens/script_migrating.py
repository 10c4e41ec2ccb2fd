# SPDX-License-Identifier: Apache-2.0
"""Turning the text of the editor from DicomEdit 4.2 into version 6: asked first, with what cannot
be turned, and taken back like anything that was typed."""

from __future__ import annotations

import asyncio

from console.screens.script_checking import ScriptCheckingScreen
from console.views import script_draft
from console.widgets.dialogs import AskScreen
from engine.model.errors import EngineError
from engine.service.offline import migrate_script


async def migrate(screen: ScriptCheckingScreen) -> None:
    """Ask, and put the turned text into the draft. Must be called from a worker of the group
    `QUESTION`."""
    text = screen.editor.text
    try:
        turned = await asyncio.to_thread(migrate_script, text)
    except EngineError as error:
        screen.failed(error)
        return
    question = script_draft.migrating(turned)
    if await screen.app.push_screen_wait(AskScreen(question)) is None:
        return
    editor = screen.editor
    editor.replace(script_draft.tidy(turned.text), (0, 0), editor.document.end)
    editor.go_to(1)
    editor.focus()
