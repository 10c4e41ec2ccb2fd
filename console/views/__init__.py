# SPDX-License-Identifier: Apache-2.0
"""How things are shown: rows, cards, details and texts of each noun. Pure: no widget, no Textual,
and nobody is asked."""
