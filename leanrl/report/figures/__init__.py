"""Figures of a report: their values, and how they are drawn."""
