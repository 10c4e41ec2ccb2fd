# SPDX-License-Identifier: Apache-2.0
"""Databases, alike on SQLite and PostgreSQL: connections and transactions, column types, how
conditions of a filter become SQL, and migrations. Tables belong to the prearchive and the
archive."""
