"""Attention over packed rows and over windows."""
