"""Memory of a training run: measured, budgeted and short."""
