# SPDX-License-Identifier: Apache-2.0
"""Session folders, in the prearchive and the archive: built, read, and compared with their
documents."""
