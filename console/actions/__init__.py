# SPDX-License-Identifier: Apache-2.0
"""What keys do to sessions: what is asked before an act, the call that does it, what takes it
back."""
