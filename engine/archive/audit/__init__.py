# SPDX-License-Identifier: Apache-2.0
"""The audit trail: a chain of events in `archive.db`, and the relay that carries them into it."""
