"""Seconds of a step, and the lengths of completions that they follow from."""
