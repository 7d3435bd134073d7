"""Rows passed through the model: scored, trained on, or skipped."""
