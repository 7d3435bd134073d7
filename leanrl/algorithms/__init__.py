"""Tensors in, tensors out: losses, KL, aggregation."""
