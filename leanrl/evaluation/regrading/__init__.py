"""Grades the kept completions of an evaluation by a second grader, without its model."""
