# SPDX-License-Identifier: Apache-2.0
"""What leaves for files of the person: rows of lists, and filed sessions."""
