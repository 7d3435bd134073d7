"""Descriptions of benchmarks and of the protocols by which they are asked."""
