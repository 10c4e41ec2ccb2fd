# SPDX-License-Identifier: Apache-2.0
"""The workflows of sessions (build, archive, move, delete), which survive a crash. The only package
that imports dbos."""
