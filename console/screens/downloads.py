# SPDX-License-Identifier: Apache-2.0
"""Screens of archived sessions whose files can be written into a folder. A download goes on while
the user works elsewhere; what is written, and how, is decided in `console.transfer.download`."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from textual import work

from console.runtime.notices import Notice
from console.runtime.typeahead import QUESTION
from console.screens.base.exporting import export_rows, fault_of, place_of
from console.screens.base.screen import BaseScreen
from console.transfer.download import Downloaded, Progress, download
from console.transfer.outgoing import Pacing, Running, progress
from console.views import figures
from console.views.question import Answers, Field, Option, Question, reason
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.errors import EngineError

if TYPE_CHECKING:
    from console.app import ConsoleApp

log = structlog.get_logger(__name__)

NOTED = 20
"""Files that did not come which are kept as notices, each with its reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Files that can be taken out. Sizes are bytes."""

    accession: str
    label: str
    files: int
    bytes: int
    scan: str = ""
    """Empty for all of the session."""

    @property
    def what(self) -> str:
        """Say whose files they are."""
        return f"scan {self.scan} of {self.label}" if self.scan else self.label

    @property
    def much(self) -> str:
        """Say how many they are."""
        return f"{figures.plural(self.files, 'file')}, {figures.size(self.bytes)}"


class DownloadScreen(BaseScreen):
    """A screen with filed sessions."""

    def wanted(self) -> Sequence[Wanted]:
        """Return the files that can be taken out from here now."""
        raise NotImplementedError

    @work(group=QUESTION, exit_on_error=False)
    async def do_export(self) -> None:
        """Take files out, write rows to a file, or stop a download."""
        running, rows = self.context.outgoing.download, self.exports()
        wanted = () if running is not None else tuple(self.wanted())
        choices = [
            Option(
                key=f"files {place}",
                title="files of scan…" if one.scan else "files of session…",
                detail=f"{one.what}: {one.much}",
            )
            for place, one in enumerate(wanted)
        ]
        if running is not None:
            detail = f"{running.label}, {running.shown}"
            choices.append(Option(key="stop", title="stop the download", detail=detail))
        if rows is not None:
            choices.append(Option(key="rows", title="rows of the list…", detail="CSV, TSV or JSON"))
        chosen = await self.app.push_screen_wait(
            ChooseScreen("Download and export", tuple(choices), empty="there is nothing here")
        )
        if chosen == "stop" and running is not None:
            running.stopped = True
            running.stop()
        elif chosen == "rows" and rows is not None:
            await export_rows(self, rows)
        elif chosen is not None and chosen.startswith("files "):
            await self._ask(wanted[int(chosen.removeprefix("files "))])

    async def _ask(self, wanted: Wanted) -> None:
        given = await self.app.push_screen_wait(
            AskScreen(question(wanted, self.context.outgoing.folder))
        )
        if given is None:
            return
        self.context.outgoing.folder = given["folder"]
        if self.context.outgoing.download is not None:
            self.tell("not now: another download has begun", "warning")
            return
        running = Running(label=wanted.what)
        self.context.outgoing.download = running
        # Not a worker of this screen: it goes on after the screen is left.
        work = _bring(self.host, running, wanted, given)
        worker = self.host.run_worker(work, group="downloads", name="download", exit_on_error=False)
        running.stop = worker.cancel
        self.host.draw_lines()


async def _bring(host: ConsoleApp, running: Running, wanted: Wanted, given: Answers) -> None:
    outgoing, pacing = host.context.outgoing, Pacing()
    done = Progress(files=0, of=wanted.files, bytes=0, of_bytes=wanted.bytes)

    def told(now: Progress) -> None:
        nonlocal done
        done = now
        if pacing.due():
            running.shown = progress(now.files, now.of)
            host.draw_lines()

    try:
        end = await download(
            host.context.engine,
            wanted.accession,
            place_of(given["folder"]),
            scans=(wanted.scan,) if wanted.scan else (),
            overwrite=given["there"] == "replace",
            progress=told,
            reason=given["reason"],
        )
    except asyncio.CancelledError:
        if running.stopped:
            many = f"{figures.grouped(done.files)} of {figures.plural(done.of, 'file')}"
            host.tell(f"download of {wanted.what} stopped: {many} are there", "warning")
        raise
    except EngineError as error:
        # A full disk too: it does not mean that the engine is lost.
        hint = f" ({error.hint})" if error.hint else ""
        host.tell(f"download of {wanted.what} ended: {error.message}{hint}", "error")
    except Exception as error:
        reference = secrets.token_hex(4)
        log.error("failed", action="download", reference=reference, error=type(error).__name__)
        host.broken(reference, "the download could not be ended")
    else:
        _tell_end(host, end)
    finally:
        outgoing.download = None
        host.draw_lines()


def _tell_end(host: ConsoleApp, end: Downloaded) -> None:
    faults = (*end.failed, *(f"{path}: it is there and differs" for path in end.refused))
    strays = tuple(f"{path}: it stands in no catalog, and was not written" for path in end.stray)
    for why in (*faults, *strays)[:NOTED]:
        host.context.notices.add(Notice(at=host.context.clock(), text=why, severity="warning"))
    # What matters most comes first, as a long line is cut.
    said = [f"{figures.plural(len(end.failed), 'file')} did not come"] if end.failed else []
    if end.refused:
        said.append(f"{figures.grouped(len(end.refused))} differ there and were kept")
    said.append(f"{figures.plural(end.written, 'file')}, {figures.size(end.bytes)}, written")
    if end.kept:
        said.append(f"{figures.grouped(end.kept)} were there already")
    if end.stray:
        said.append(f"{figures.plural(len(end.stray), 'stray file')} left out")
    words = f"{'; '.join(said)}: {end.folder}"
    host.tell(words, "error" if faults else "information")


def question(wanted: Wanted, folder: str) -> Question:
    """Ask where files go, and what becomes of those that are there."""

    def command(answers: Answers) -> str:
        words = [
            "anteroom",
            "archive",
            "export",
            wanted.accession,
            str(place_of(answers["folder"])),
        ]
        words += ["--scan", wanted.scan] if wanted.scan else []
        words += ["--overwrite"] if answers["there"] == "replace" else []
        words += ["--reason", answers["reason"]] if answers["reason"] else []
        return shlex.join(words)

    return Question(
        title=f"Write the files of {wanted.what}",
        act="Write",
        says=(
            f"{wanted.much}, into a folder {wanted.label} below the one named here.",
            "Files that are there and the same are kept. It stands in the audit trail.",
        ),
        fields=(
            Field(name="folder", label="Folder", value=folder, needed=True),
            Field(
                name="there",
                label="Files that differ",
                value="keep",
                hint="keep those that are there, or replace them",
                choices=("keep", "replace"),
                needed=True,
            ),
            reason(needed=False),
        ),
        fault=_fault,
        command=command,
    )


def _fault(answers: Answers) -> str:
    if answers["there"] not in ("keep", "replace"):
        return "files that differ are kept or replaced"
    return fault_of(answers["folder"])
