"""Scores of a run on benchmarks, beside published ones."""
