"""Answers judged: extraction, normalisation, comparison."""
