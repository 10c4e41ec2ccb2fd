# SPDX-License-Identifier: Apache-2.0
"""Journals and tables without an engine around them, as the tests of jobs have them."""

from tests.engine.jobs.conftest import either, fixture

__all__ = ["either", "fixture"]
