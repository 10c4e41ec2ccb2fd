"""What leaves for files of the person: rows of lists, and filed sessions."""
