"""The terminal: commands, options, colour, progress and completion."""
