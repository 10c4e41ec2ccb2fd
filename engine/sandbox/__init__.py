# SPDX-License-Identifier: Apache-2.0
"""Work on bytes that may be hostile, in a separate process with limits on time and memory. The work
is named by a worker module: nothing of the engine is imported here."""
