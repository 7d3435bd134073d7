"""Rewards of a user's own: where they come from, how they are called, and what they may return."""
