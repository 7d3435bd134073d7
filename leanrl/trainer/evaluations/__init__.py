"""Evaluations of a trainer's held-out problems while it trains."""
