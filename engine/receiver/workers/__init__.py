"""The worker processes that serve associations, and the engine's end of them."""
