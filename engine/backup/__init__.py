# SPDX-License-Identifier: Apache-2.0
"""Copies of a whole home: made while an engine serves it, checked, and brought back elsewhere."""
