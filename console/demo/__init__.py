# SPDX-License-Identifier: Apache-2.0
"""The demonstration: a throw-away home, scanners that send, and the console."""
