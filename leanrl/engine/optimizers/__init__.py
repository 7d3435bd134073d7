"""Optimizers: the choice, their states in little memory, and how states are saved."""
