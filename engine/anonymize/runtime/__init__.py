# SPDX-License-Identifier: Apache-2.0
"""Running a script: the compiled script, and the object as the script sees and changes it."""
