"""Plots and pages from a run folder's files."""
