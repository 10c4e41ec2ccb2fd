"""How objects come in: routing, the intake contract, and the building of sessions. Modules that the
receiver workers use (journal, snapshot, channel, incoming, routing) never open a database."""
