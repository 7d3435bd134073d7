"""Benchmarks of evaluations and their statistics."""
