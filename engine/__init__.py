"""The engine: everything that Anteroom does without a screen. It never imports the console."""
