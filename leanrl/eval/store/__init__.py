"""The files of an evaluation: its question and its completions."""
