# SPDX-License-Identifier: Apache-2.0
"""What is written to the user's files: rows of lists, and archived sessions."""
