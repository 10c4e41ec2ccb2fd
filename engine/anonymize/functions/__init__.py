"""The functions that scripts call."""
