# SPDX-License-Identifier: Apache-2.0
"""Building a session: from the headers of its files to scans, metadata, catalogs and the session
document (intake contract 5 and 13). Plain functions over files, fit for a process pool: no
database, no jobs, no event loop."""

from __future__ import annotations
