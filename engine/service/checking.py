# SPDX-License-Identifier: Apache-2.0
"""What a running engine would refuse of single values, found out without changing anything: whoever
applies many of them wants to know all faults before the first is set. What depends on other things
that are there, such as an alias that is taken, only the verbs themselves find out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from engine.archive import projects as archive_projects
from engine.archive.receiver_values import checked as checked_receiver
from engine.archive.remote_values import checked as checked_remote
from engine.dicom import transfer_syntaxes
from engine.model.archive import Receiver
from engine.model.errors import EngineError
from engine.model.remotes import Remote
from engine.service import receivers, remotes
from engine.service.projects import read_changes


def project(id: str, values: dict[str, str]) -> list[str]:
    """Say what is wrong with a project."""
    found = []
    for check in (partial(archive_projects.check_id, id), partial(_check_values, values)):
        try:
            check()
        except EngineError as error:
            found.append(error.message)
    return found


def _check_values(values: dict[str, str]) -> None:
    archive_projects.check(read_changes(values))


def receiver(ae_title: str, port: int, values: dict[str, str]) -> Receiver:
    """Return a receiver as it is told once it is there.

    Raises:
        InvalidInput: if a value is not allowed.
    """
    made = checked_receiver(receivers.changed(Receiver(ae_title=ae_title, port=port), values))
    keywords = tuple(map(transfer_syntaxes.keyword_of, made.transfer_syntaxes))
    return replace(made, transfer_syntaxes=keywords)


def remote(name: str, values: dict[str, str]) -> Remote:
    """Return a remote as it is kept.

    Raises:
        InvalidInput: if a value is not allowed.
    """
    return checked_remote(remotes.changed(Remote(name=name, ae_title="", host="", port=0), values))
