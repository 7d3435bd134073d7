"""Decides which completion of an evaluation is drawn next, with which seed."""
