# SPDX-License-Identifier: Apache-2.0
"""What one console runs on: the engine it is attached to, news and state of it, what the person has
set, what he typed ahead, and what is remembered."""
