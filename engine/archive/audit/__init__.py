"""The audit trail: a chain of events in `archive.db`, and the relay that carries them into it."""
