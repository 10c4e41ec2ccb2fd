# SPDX-License-Identifier: Apache-2.0
"""The script language: parsing, and everything that can be checked before a script runs."""
