# SPDX-License-Identifier: Apache-2.0
"""Routing: from the header of an object, as received, to project, subject, session and
auto-archive."""
