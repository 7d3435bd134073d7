"""Runs an evaluation: brings the model, the problems, an engine and the graders to `eval/`."""
