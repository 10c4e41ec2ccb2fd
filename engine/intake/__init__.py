# SPDX-License-Identifier: Apache-2.0
"""How objects come in: the intake contract (`docs/intake-contract.md`), on the side of the worker,
which opens no database. The engine's side is `engine.ingest`."""
