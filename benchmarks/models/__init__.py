"""Models of the benchmarks."""
