# SPDX-License-Identifier: Apache-2.0
"""What one console runs on: the engine it is attached to and that engine's news, the user's
preferences, what was typed ahead, and what is remembered."""
