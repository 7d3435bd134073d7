"""Answers that another package's scorer judges, in place of comparing values."""
