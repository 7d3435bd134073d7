"""Differences between evaluations: what they show, and what they could have shown."""
