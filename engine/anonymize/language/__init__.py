# SPDX-License-Identifier: Apache-2.0
"""The language of scripts: text to tree, and all that can be said of a script before it runs."""
