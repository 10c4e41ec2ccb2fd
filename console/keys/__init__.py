# SPDX-License-Identifier: Apache-2.0
"""The keys: their table, and the page that is generated from it."""
