"""The settings that fit, and the largest models that do."""
