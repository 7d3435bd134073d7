"""Proofs before training: a token reaches only what it may reach."""
