# SPDX-License-Identifier: Apache-2.0
"""Work on bytes that may be hostile, in a process of its own with limits on time and memory. What
the work is, is told by the name of a worker module: nothing of the engine is imported here."""
