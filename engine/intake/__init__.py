# SPDX-License-Identifier: Apache-2.0
"""Receiving objects by the intake contract (`docs/intake-contract.md`), on the side of the worker,
which opens no database. The side of the engine is `engine.ingest`."""
