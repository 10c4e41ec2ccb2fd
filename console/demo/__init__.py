"""The demonstration: a throw-away home, scanners that send, and the console."""
