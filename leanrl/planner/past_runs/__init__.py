"""Past runs: what they measured, and what a plan learns from it."""
