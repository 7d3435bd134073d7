"""Writes the scores of an evaluation in the forms of other programs."""
