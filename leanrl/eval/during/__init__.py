"""Evaluations during training, from the counts of each problem."""
