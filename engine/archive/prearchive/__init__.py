"""The prearchive: its tables, rows, claims and accounts. What moves files is `engine.intake`."""
