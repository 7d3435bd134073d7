"""Benchmarks of memory on a GPU."""
