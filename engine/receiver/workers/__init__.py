# SPDX-License-Identifier: Apache-2.0
"""The worker processes that serve associations, and the engine's side of them."""
