# SPDX-License-Identifier: Apache-2.0
"""A snapshot in force, with what a worker compiles from it once: router, file names, script."""

from __future__ import annotations

import copy
from dataclasses import replace

from engine.dicom.names import FileNameTemplate
from engine.intake.answers import Origin
from engine.intake.site_script import SiteScript
from engine.intake.snapshot import Snapshot
from engine.routing.router import Router


class InForce:
    """Never changes; shared by threads."""

    def __init__(self, snapshot: Snapshot, before: InForce | None = None) -> None:
        """Compile a snapshot; what is the same as `before` is taken over."""
        self.snapshot = snapshot
        self.router = Router(snapshot.routing)
        self.template = FileNameTemplate(snapshot.file_name_template)
        former = before.site if before is not None else None
        self.site: SiteScript | None = SiteScript.of(snapshot, former)
        self._of_receivers: dict[tuple[str, bool | None], InForce] = {}

    def for_origin(self, origin: Origin) -> InForce:
        """Return the same with the file names and the durability of the object's receiver."""
        key = (origin.file_name_template, origin.durable)
        if key == ("", None):
            return self
        found = self._of_receivers.get(key)
        if found is None:
            # Two threads may make it at once: both are the same, and one of them stays.
            found = self._of_receivers[key] = self._with(*key)
        return found

    def _with(self, template: str, durable: bool | None) -> InForce:
        snapshot = self.snapshot
        made = copy.copy(self)
        made.snapshot = replace(
            snapshot,
            file_name_template=template or snapshot.file_name_template,
            durable=snapshot.durable if durable is None else durable,
        )
        made.template = FileNameTemplate(made.snapshot.file_name_template)
        return made
