"""Completions graded and handed to every reward."""
