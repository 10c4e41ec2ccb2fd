# SPDX-License-Identifier: Apache-2.0
"""The prearchive: its tables, rows and accounts. Objects are entered by `engine.ingest`."""
