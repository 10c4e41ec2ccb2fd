# SPDX-License-Identifier: Apache-2.0
"""Calls of Anteroom to remote application entities, with pynetdicom. They block, and are made in
threads; no database is known here."""
