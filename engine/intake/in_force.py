# SPDX-License-Identifier: Apache-2.0
"""A snapshot in force, with what a worker compiles from it once: router, file names, script."""

from __future__ import annotations

from engine.dicom.names import FileNameTemplate
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
