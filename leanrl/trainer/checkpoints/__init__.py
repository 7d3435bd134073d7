"""Checkpoints of a run: kept, restored and published."""
