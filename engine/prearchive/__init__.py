# SPDX-License-Identifier: Apache-2.0
"""The prearchive: its tables, rows and accounts. Objects come into them by `engine.ingest`."""
