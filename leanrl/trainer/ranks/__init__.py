"""Ranks: how they meet, and what each holds."""
