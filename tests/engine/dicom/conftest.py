"""Property tests of this folder draw the same examples each time: a failure is news, never luck."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("dicom", deadline=None, derandomize=True)


def pytest_configure() -> None:
    """Choose the profile before the tests are collected."""
    settings.load_profile("dicom")
