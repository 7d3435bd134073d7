"""Training problems that repeat an evaluation problem, found by shared runs of words."""
