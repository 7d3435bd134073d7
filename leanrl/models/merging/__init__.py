"""Merged models: what a run merges to, written, verified and published."""
