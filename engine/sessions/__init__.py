"""Session folders, in the prearchive and the archive: built, read, and compared with their
documents."""
