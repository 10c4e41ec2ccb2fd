"""Regular expressions as Java reads them."""
