"""The child processes that judge answers."""
