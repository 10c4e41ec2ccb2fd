# SPDX-License-Identifier: Apache-2.0
"""How things are shown: the rows, cards, details and texts of each noun. Pure: no widget, no
Textual, no questions to anybody."""
