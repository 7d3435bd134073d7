"""The funnel of a dataset: how many rows each stage kept, and examples of what it dropped."""
