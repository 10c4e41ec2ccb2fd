# SPDX-License-Identifier: Apache-2.0
"""The engine: everything that Anteroom does without a screen. It never imports the console."""
