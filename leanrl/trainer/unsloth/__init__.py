"""The trainer on unsloth's models."""
