# SPDX-License-Identifier: Apache-2.0
"""Runs that are too long for every change: `make endure`, see docs/endurance.md. How
long they are is said by `ENDURE_SECONDS` and `ENDURE_KILLS`."""
