"""Formulas of a text on a page: found, typeset where latex2mathml is installed, and written as safe markup."""
