"""The sections of a config that have a file of their own, and what all sections share."""
