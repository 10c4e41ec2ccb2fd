# SPDX-License-Identifier: Apache-2.0
"""The keys: their table, the page made from it, and the palette."""
