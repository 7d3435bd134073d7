"""Curation of training data: stages that keep or drop rows and say why."""
