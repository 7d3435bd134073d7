"""Plug-ins that runs of the tests load."""
