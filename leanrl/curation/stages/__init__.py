"""Stages: each keeps or drops rows and gives a reason."""
