"""Checks of a whole config: values that do not go together."""
