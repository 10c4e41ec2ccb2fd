# SPDX-License-Identifier: Apache-2.0
"""Databases, the same on SQLite and PostgreSQL: connections and transactions, column types,
conditions of filters as SQL, and migrations. The tables are defined in the prearchive and the
archive."""
