# SPDX-License-Identifier: Apache-2.0
"""Looks for what may still say who a patient is: in headers, in file names, in binary values."""
