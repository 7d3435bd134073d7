"""Preset files: where they lie, how their YAML is read, and what can be wrong with it."""
