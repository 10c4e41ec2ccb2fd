"""The keys: their table, the page made from it, and the palette."""
