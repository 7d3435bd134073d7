"""Benchmarks of the planner and of the simulation."""
