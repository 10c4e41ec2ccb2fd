# SPDX-License-Identifier: Apache-2.0
"""What can be done to sessions: the question before an act, the call that carries it out, and how
it is undone."""
