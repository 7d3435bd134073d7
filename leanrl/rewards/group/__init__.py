"""Rewards that see all completions of a prompt at once."""
