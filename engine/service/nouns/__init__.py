# SPDX-License-Identifier: Apache-2.0
"""What a client may ask of an engine: a typed protocol for each noun, bound to an actor."""
