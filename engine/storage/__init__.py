# SPDX-License-Identifier: Apache-2.0
"""Files: writing, renaming and linking them durably."""
