"""Load and fold models."""
