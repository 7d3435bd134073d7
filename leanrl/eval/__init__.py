"""Models measured: benchmarks and their statistics."""
