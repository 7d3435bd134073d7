"""What can be checked of a run before its model is loaded: one list of checks, no torch."""
