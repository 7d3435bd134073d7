"""This machine: its environment, what is installed, faults of its cards, and what a diagnosis finds."""
