# SPDX-License-Identifier: Apache-2.0
"""A bundle about a session as a file: a tar archive, compressed."""

from __future__ import annotations

import io
import tarfile

from engine.model.capsule import Capsule


def packed(capsule: Capsule) -> bytes:
    """Return the bundle as the bytes of a `.tar.gz`."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for each in capsule.files:
            content = each.text.encode()
            entry = tarfile.TarInfo(f"capsule-{capsule.session}/{each.name}")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()
