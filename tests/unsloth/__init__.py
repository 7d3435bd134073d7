"""Tests with the real unsloth on a machine without a GPU."""
