# SPDX-License-Identifier: Apache-2.0
"""The workflows of sessions (build, archive, move, delete), durable over a crash. The only place
that imports dbos."""
