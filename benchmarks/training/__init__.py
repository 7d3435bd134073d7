"""Benchmarks of the training phase."""
