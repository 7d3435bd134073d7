"""Readers of the parts of an answer, by kind; each returns None for a text that is not of its kind."""
