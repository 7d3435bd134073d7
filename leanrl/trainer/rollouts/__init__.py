"""Rollouts of a trainer: engines opened, on each rank, and the bridge to TRL."""
