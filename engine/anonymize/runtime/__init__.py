# SPDX-License-Identifier: Apache-2.0
"""Running a script: the tree made ready to run, and the object as the script sees and changes
it."""
