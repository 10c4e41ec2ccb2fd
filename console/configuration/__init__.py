# SPDX-License-Identifier: Apache-2.0
"""The configuration of a home as YAML files: one module for each kind of thing, one that reads and
writes the files, and one that compares them with a home and brings it to what they say."""
