"""Samples completions one by one from a frozen model: a slot that is free takes the next request."""
